/** The program of a stack: deploys the design that its configuration names. */
import { COMPONENTS } from './designs/components.ts';
import { stackDesign } from './stack.ts';

/** Resolves to the stack's outputs. */
export async function program() {
  const { design, args } = await stackDesign();
  const { vpcIds, nodes, appliances, workloads, flows, ids } = new COMPONENTS[design](design, args);
  return { design, vpcIds, nodes, appliances, workloads, flows, ids };
}
