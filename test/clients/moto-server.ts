/** A moto server of its own on a free port, for tests against an EC2 that knows nothing of the simulator. */
import { spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { EC2Client } from '@aws-sdk/client-ec2';
import { vi } from 'vitest';
import { answers, REGION } from './simulator.ts';

/** Why there is no moto to test with; undefined where there is. */
export const whyNoMoto: string | undefined = answers('moto_server', ['--help'])
  ? undefined
  : "moto_server not found; pip install 'moto[server]'";

export interface Moto {
  readonly endpoint: string;
  readonly ec2: EC2Client;
  readonly close: () => Promise<void>;
}

/** A port that nobody listens on at present. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Starts moto and resolves when it answers. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const ec2 = new EC2Client({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
  });
  await vi.waitFor(() => fetch(endpoint), { timeout: 30_000, interval: 200 });
  return {
    endpoint,
    ec2,
    close: async () => {
      ec2.destroy();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
