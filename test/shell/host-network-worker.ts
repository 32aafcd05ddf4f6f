/**
 * Runs in a network namespace: does the actions given as JSON, one after another, and prints what each gave.
 */
import type { GuestChange } from '../../controller/event.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import type { EchoReply, Endpoint } from '../../controller/shell/network.ts';

type Action =
  | ['icmp', { to: string; via?: string; timeoutMs: number }]
  | ['tcp', Endpoint]
  | ['prepare', readonly string[]]
  | ['guest', readonly GuestChange[]];

const network = createHostNetwork();

function perform(action: Action): Promise<unknown> {
  switch (action[0]) {
    case 'icmp':
      return new Promise<EchoReply>((done) => network.icmpEcho(action[1], done));
    case 'tcp':
      return new Promise((done) => {
        const stream = network.connectTcp(action[1]);
        stream.once('connect', () => done('connected'));
        stream.once('error', (error: NodeJS.ErrnoException) => done(error.code));
      });
    case 'prepare':
      return network.prepareNextHops(action[1]);
    case 'guest':
      return network.applyGuest(action[1]);
  }
}

const actions: Action[] = JSON.parse(process.argv[2] ?? '[]');
const results: unknown[] = [];
for (const action of actions) results.push((await perform(action)) ?? null);
await network.close();
process.stdout.write(JSON.stringify(results));
process.exit(0);
