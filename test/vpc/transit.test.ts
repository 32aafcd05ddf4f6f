/** The engine against the plain reference: random worlds, random changes in random order, random packets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { applyChange } from '../../sim/vpc/apply-change.ts';
import { dispositionOf } from '../../sim/vpc/dispositions.ts';
import { createFabric, type Fabric } from '../../sim/vpc/fabric.ts';
import { createFlowTable } from '../../sim/vpc/flow-table.ts';
import { createHeader, destinationOf, fill, parseMac, sourceOf } from '../../sim/vpc/header.ts';
import { clearNat } from '../../sim/vpc/masquerade.ts';
import { transit } from '../../sim/vpc/transit.ts';
import { frames, honestly } from './drawn-frames.ts';
import { world } from './drawn-world.ts';
import { type Frame, reference, type Verdict } from './reference.ts';

function engine(fabric: Fabric, frame: Frame): Verdict {
  const h = must(fill(createHeader(), { ...frame, sourcePort: frame.protocol === 47 ? 0 : 4000 }));
  const from = frame.from === undefined ? undefined : fabric.ports.get(frame.from);
  if (frame.from !== undefined && from === undefined) return { disposition: 'BAD_STATE_ATTACHMENT' };
  h.from = from;
  h.sourceMac = must(parseMac(frame.sourceMac));
  h.destinationMac = frame.to === 'router' ? (from?.subnet.routerMac ?? 0) : must(parseMac(frame.to));
  const disposition = dispositionOf(transit(fabric, h));
  if (disposition !== 'DELIVERED' && disposition !== 'TO_INTERNET') return { disposition };
  return {
    disposition,
    ...(h.to === undefined ? {} : { to: h.to.id }),
    source: formatAddress(sourceOf(h)),
    destination: formatAddress(destinationOf(h)),
  };
}

/** Forgets tracked flows, which the reference knows nothing of. */
function withoutFlows(fabric: Fabric): Fabric {
  for (const { nat } of fabric.nats.values()) clearNat(nat);
  return { ...fabric, flows: createFlowTable(), egressFlows: createFlowTable() };
}

/** 30 packets in each; `BYOA_WORLDS=34000` judges a million. */
const RUNS = Number(process.env.BYOA_WORLDS ?? 200);

describe('transit', () => {
  it(
    'agrees with a plain reference over random worlds, changes and packets',
    () => {
      const seen = new Map<string, number>();
      fc.assert(
        fc.property(world, frames, ({ all, changes }, drawn) => {
          const fabric = createFabric();
          for (const change of changes) applyChange(fabric, change);
          for (const each of drawn) {
            const frame = honestly(all, each);
            // Both directions of such a flow look the same: its way out would allow its way in.
            if (frame.source === frame.destination) continue;
            const verdict = reference(all, frame);
            seen.set(verdict.disposition, (seen.get(verdict.disposition) ?? 0) + 1);
            expect(engine(withoutFlows(fabric), frame), JSON.stringify(frame)).toEqual(verdict);
          }
        }),
        { numRuns: RUNS },
      );
      const expected = [
        'DELIVERED',
        'TO_INTERNET',
        'ENI_SOURCE_DEST_CHECK_RESTRICTION',
        'ENI_SG_RULES_MISMATCH',
        'SG_HAS_NO_RULES',
        'SUBNET_ACL_RESTRICTION',
        'NO_ROUTE_TO_DESTINATION',
        'BAD_STATE_ROUTE',
        'BAD_STATE_ATTACHMENT',
        'NO_POSSIBLE_DESTINATION',
        'IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS',
        'IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS',
        'IGW_PRIVATE_DESTINATION',
        'L2_BUM',
        'L2_UNKNOWN_MAC',
        'L2_SOURCE_MAC',
        'MTU_EXCEEDED',
        'RESERVED_ADDRESS',
      ];
      const rare = [
        'INGRESS_RTB_NO_PUBLIC_IP',
        'INGRESS_RTB_TRAFFIC_REDIRECTION',
        'NGW_NO_FLOW',
        'NGW_PROTOCOL',
        'TO_SITE',
        'BAD_STATE_VPN',
        'VGW_IPV4_ONLY',
        'VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS',
        'TGW_ROUTE_AZ_RESTRICTION',
        'TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT',
        'TGW_RTB_BAD_STATE_ROUTE',
      ];
      const due = RUNS < 2000 ? expected : [...expected, ...rare];
      expect(due.filter((name) => !seen.has(name))).toEqual([]);
    },
    Math.max(60_000, RUNS * 200),
  );
});
