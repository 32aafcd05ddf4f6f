/** The stack: deploys the design that its configuration names. */
import { COMPONENTS } from './designs/components.ts';
import { stackDesign } from './stack.ts';

const { design, args } = await stackDesign();
const stack = new COMPONENTS[design](design, args);

export default {
  design,
  vpcIds: stack.vpcIds,
  nodes: stack.nodes,
  appliances: stack.appliances,
  workloads: stack.workloads,
  flows: stack.flows,
  ids: stack.ids,
};
