/** The designs of `infra/` by name, as commands and pages need them. */
import { type DesignName, NAMES, DESIGNS as PLANS } from '../../infra/designs/catalog.ts';

export type { DesignName };

export const DESIGNS = NAMES;

export const summaryOf = (name: DesignName): string => PLANS[name].summary;
