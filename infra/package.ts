/** What other Pulumi programs import as `byoa/infra`: each design as a component, and the stack's keys. */
export { EgressPair } from './designs/egress-pair/component.ts';
export { FloatingEni } from './designs/floating-eni/component.ts';
export { stackArgs } from './stack.ts';
