/**
 * A process of its own, so that it trusts the CA in NODE_EXTRA_CA_CERTS: waits for warm connections where
 * asked to, makes calls one after another, and prints their outcomes.
 */
import type { Call, Outcome } from '../../controller/ec2/call.ts';
import { createAws, fixedCredentials } from '../../controller/shell/aws.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';

export interface Errand {
  readonly endpoint: string;
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Connections to have ready before the first call. */
  readonly warm: number;
  readonly calls: number;
}

const REPLACE: Call = { kind: 'replace-route', table: 'rtb-0', destination: '0.0.0.0/0', eni: 'eni-0' };

const { endpoint, addresses, warm, calls }: Errand = JSON.parse(process.argv[2] ?? '{}');
const aws = await createAws({
  node: 'a',
  aws: { region: 'eu-central-1', endpoint, attemptTimeoutMs: 300, timeoutMs: 5000, addresses },
  network: createHostNetwork(),
  credentials: fixedCredentials('123456789012', 'secret'),
  onFailure: (sentence) => process.stderr.write(`${sentence}\n`),
  warm,
});
for (let round = 0; aws.state().warmConnections < warm; round += 1) {
  if (round === 500) throw new Error(`only ${aws.state().warmConnections} connections are warm`);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
const outcomes: Outcome[] = [];
for (let nth = 0; nth < calls; nth += 1) {
  outcomes.push(await new Promise<Outcome>((done) => aws.call(REPLACE, done)));
}
process.stdout.write(JSON.stringify(outcomes));
process.exit(0);
