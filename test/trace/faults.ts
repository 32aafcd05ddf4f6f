/** All that breaks the healthy worlds of bases.ts: one fault each, as data. Not a test itself. */
import type { Faults } from './breaks.ts';
import { branch, hub, neighbours } from './faults-between.ts';
import { checkpoint, office } from './faults-inside.ts';
import { chain, edge, overlay, stage } from './faults-tunnels.ts';

export const FAULTS: Faults = { office, checkpoint, neighbours, hub, branch, chain, overlay, edge, stage };
