/** The designs of `infra/` by name. */
export const DESIGNS = ['egress-pair', 'floating-eni'] as const;
export type DesignName = (typeof DESIGNS)[number];
