/** What operators ask of a node through its socket, and what is answered at once. */
import type { Command, Orders } from './event.ts';
import { switchover } from './failover/command.ts';
import { forecast } from './failover/forecast.ts';
import { abandonPaused, order, pinned } from './failover/orders.ts';
import { type StatusParts, statusOf } from './failover/status.ts';
import type { Turn } from './failover/turn.ts';
import { viewGroup } from './failover/view.ts';
import { orderReply } from './routing/orders.ts';
import { syncStatus } from './sync/status.ts';
import type { Sync } from './sync/sync.ts';

/** The parts of a node that commands look at. */
export interface CommandParts extends StatusParts {
  readonly sync: Sync;
}

/** What commands change of a node. */
export type Commanded = Pick<CommandParts, 'groups' | 'orders'>;

/** The node's parts after a command; a planned move is answered when it has ended. */
export function command(node: CommandParts, id: number, asked: Command, turn: Turn): Commanded {
  const reply = (ok: boolean, body: unknown): void => turn.emit({ kind: 'reply', id, ok, body });
  switch (asked.kind) {
    case 'status': {
      const synced = syncStatus(node.sync, node.config, node.observed, turn.now);
      reply(true, { ...statusOf(node, turn.now), ...synced });
      return unchanged(node);
    }
    case 'bgp': {
      const ok = node.config.bgp !== undefined;
      // Its word comes as events.
      if (ok) turn.emit({ kind: 'bgp', input: asked.input });
      reply(ok, { message: ok ? orderReply(asked.input) : 'This daemon speaks no BGP: configure bgp.' });
      return unchanged(node);
    }
    case 'plan': {
      const { config, health, resources, observed } = node;
      const group = config.groups.find(({ name }) => name === asked.group);
      const view = group === undefined ? undefined : viewGroup(config, group, observed);
      const known = { config, view, verdicts: health.verdicts, budget: resources.budget, now: turn.now };
      const { ok, body } = forecast(asked, known);
      reply(ok, body);
      return unchanged(node);
    }
    case 'switchover':
      return planned(node, id, asked, turn);
    default: {
      const { ok, message, orders } = order(node.orders, asked, node.config, turn.now);
      reply(ok, { message });
      return ordered(node, orders, message, turn);
    }
  }
}

const unchanged = ({ groups, orders }: CommandParts): Commanded => ({ groups, orders });

function ordered(node: CommandParts, orders: Orders, message: string, turn: Turn): Commanded {
  if (orders === node.orders) return unchanged(node);
  turn.log('warn', 'order', `An operator's order: ${message}`);
  return { orders, groups: abandonPaused(node.groups, orders, turn) };
}

function planned(
  node: CommandParts,
  id: number,
  asked: Extract<Command, { kind: 'switchover' }>,
  turn: Turn,
): Commanded {
  const { config, observeOnly, groups, health } = node;
  const group = config.groups.find(({ name }) => name === asked.group);
  const view = group === undefined ? undefined : viewGroup(config, group, node.observed);
  const answer = switchover(
    { id, at: turn.now, ...asked },
    { config, observeOnly, orders: node.orders },
    groups[asked.group],
    view,
    health.verdicts[asked.to],
  );
  const orders = answer.kind === 'refused' ? node.orders : pinned(node.orders, asked, turn.now);
  if (answer.kind === 'accepted') return { orders, groups: { ...groups, [asked.group]: answer.state } };
  const { group: name, to } = asked;
  const body = { group: name, to, message: answer.message };
  turn.emit({ kind: 'reply', id, ok: answer.kind === 'done', body });
  return { orders, groups };
}
