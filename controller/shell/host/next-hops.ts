/**
 * Sending by way of a chosen next hop: each has a mark, a rule for it and a routing table with one default
 * route. They are installed at start and removed at exit; a crash leaves them behind, unused, until the next
 * start replaces them.
 */
import { deviceOfNextHop, familyFlag, ip, ipUnless } from './iproute.ts';

const MARK_BASE = 0x62790000;
const TABLE_BASE = 7300;
const RULE_PRIORITY = '7100';

export interface NextHops {
  /** Installs what is missing; the first failure as a sentence with its remedy. */
  prepare(hops: readonly string[]): Promise<string | undefined>;
  /** The mark for a hop; undefined where it could not be installed. */
  mark(hop: string): number | undefined;
  remove(): Promise<void>;
}

export function createNextHops(): NextHops {
  const indexes = new Map<string, number>();
  const installed = new Set<string>();
  const ruleOf = (index: number): string[] => [
    'fwmark',
    `0x${(MARK_BASE + index).toString(16)}`,
    'lookup',
    String(TABLE_BASE + index),
    'priority',
    RULE_PRIORITY,
  ];

  async function install(hop: string): Promise<string | undefined> {
    const index = indexes.get(hop) ?? indexes.size;
    indexes.set(hop, index);
    const device = await deviceOfNextHop(hop);
    if (!device.ok) return device.error;
    const flag = familyFlag(hop);
    const route = ['default', 'via', hop, 'dev', device.value, 'table', String(TABLE_BASE + index)];
    const failure =
      (await ipUnless([], flag, 'route', 'replace', ...route)) ??
      (await ipUnless(['File exists'], flag, 'rule', 'add', ...ruleOf(index)));
    if (failure === undefined) installed.add(hop);
    return failure;
  }

  return {
    async prepare(hops) {
      let first: string | undefined;
      for (const hop of hops) {
        if (installed.has(hop)) continue;
        const failure = await install(hop);
        if (failure !== undefined) {
          first ??= `probes by next hop ${hop} cannot be sent: ${failure}; they need CAP_NET_ADMIN, or \`by: route\``;
        }
      }
      return first;
    },
    mark(hop) {
      const index = installed.has(hop) ? indexes.get(hop) : undefined;
      return index === undefined ? undefined : MARK_BASE + index;
    },
    async remove() {
      for (const hop of installed) {
        const index = indexes.get(hop) ?? 0;
        await ip(familyFlag(hop), 'rule', 'del', ...ruleOf(index));
        await ip(familyFlag(hop), 'route', 'flush', 'table', String(TABLE_BASE + index));
      }
      installed.clear();
    },
  };
}
