/** What an operator is told: what happens, to whom, and where to see it. */
import { expect, it } from 'vitest';
import type { SpeakerInput } from '../../../controller/bgp/event.ts';
import { orderReply } from '../../../controller/routing/orders.ts';

it.each<[SpeakerInput, string]>([
  [
    { kind: 'shutdown', peer: 'a', text: 'cable change' },
    'The session with a ends, and is told "cable change"; it stays down until `byoa bgp enable a`. See `byoa bgp neighbor a`.',
  ],
  [{ kind: 'enable', peer: 'a' }, 'The session with a may come up again. See `byoa bgp neighbor a`.'],
  [
    { kind: 'reset', peer: 'a', hard: false, text: '' },
    'The session with a ends, and comes back by itself. See `byoa bgp neighbor a`.',
  ],
  [
    { kind: 'reset', peer: 'a', hard: true, text: '' },
    'The session with a ends by a Hard Reset, so that no routes are kept, and comes back by itself. See `byoa bgp neighbor a`.',
  ],
  [
    { kind: 'soft-reset', peer: 'a', direction: 'in' },
    'The import policy is applied anew to what a has sent; the session stays. See `byoa bgp rib --in a`.',
  ],
  [
    { kind: 'soft-reset', peer: 'a', direction: 'out' },
    'All routes are sent to a again by its export policy; the session stays. See `byoa bgp rib --out a`.',
  ],
  [
    { kind: 'route-refresh', peer: 'a', family: 'ipv6' },
    'a is asked to send its ipv6 routes again; the session stays. See `byoa bgp rib --in a`.',
  ],
  [
    { kind: 'drain', how: 'withdraw', reason: 'x' },
    'All routes are withdrawn from all neighbors; `byoa bgp drain none` ends it. See `byoa bgp summary`.',
  ],
  [
    { kind: 'drain', how: 'none', reason: 'x' },
    'All neighbors get the plain routes again. See `byoa bgp summary`.',
  ],
])('%j', (input, text) => expect(orderReply(input)).toBe(text));
