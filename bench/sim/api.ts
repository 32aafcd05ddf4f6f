/**
 * Requests a second of the simulator and of moto: the same recorded requests, replayed one after the other
 * by one raw client over one connection that is kept alive as far as the server keeps it; beside it boto3.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { Agent, createServer as createHttpServer, request } from 'node:http';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { present } from '../../controller/base/result.ts';
import { ACCOUNT, end, REGION } from '../scene/region.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/lib/bin/cli.js', import.meta.url));
const PYTHON = fileURLToPath(new URL('requests.py', import.meta.url));

/** Compiles the library, as `npm run build -- lib`. */
export function buildLibrary(): void {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bin/build.ts', 'lib'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the library did not compile: ${stderr}`);
}

export interface Server {
  readonly url: string;
  /** From its start to its ready line, ms. */
  readonly readyMs: number;
  readonly child: ChildProcess;
  readonly close: () => Promise<unknown>;
}

/** The built simulator in a process of its own. */
export async function startByoa(): Promise<Server> {
  const begun = performance.now();
  const code = `import(${JSON.stringify(CLI)}).then((cli) => cli.main('0.0.0'))`;
  const child = spawn(process.execPath, ['-e', code, 'byoa', 'sim', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /ready at (\S+)/.exec(line)?.[1];
    if (url !== undefined) return { url, readyMs: performance.now() - begun, child, close: () => end(child) };
  }
  throw new Error('the simulator ended before it was ready');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** moto's server, or undefined where it is not installed. */
export async function startMoto(): Promise<Server | undefined> {
  if (spawnSync('moto_server', ['--help']).status !== 0) return undefined;
  const port = await freePort();
  const begun = performance.now();
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return { url, readyMs: performance.now() - begun, child, close: () => end(child) };
    if (child.exitCode !== null) throw new Error('moto_server ended before it answered');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export type Send = (parameters: Readonly<Record<string, string>>) => Promise<string>;

/** A client with one connection; the answer is the body of a reply with status 200. */
export function rawClient(url: string): { readonly send: Send; readonly close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(url);
  const day = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${ACCOUNT}/${day.slice(0, 8)}/${REGION}/ec2/aws4_request`;
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-amz-date': day,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
  };
  const send: Send = (parameters) =>
    new Promise((resolve, reject) => {
      const body = new URLSearchParams({ Version: '2016-11-15', ...parameters }).toString();
      const options = { agent, hostname, port, method: 'POST', path: '/' };
      const outgoing = request(
        { ...options, headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
        (reply) => {
          const parts: string[] = [];
          reply.setEncoding('utf8').on('data', (part: string) => parts.push(part));
          reply.on('end', () => {
            const text = parts.join('');
            if (reply.statusCode === 200) resolve(text);
            else reject(new Error(`${parameters.Action}: ${reply.statusCode} ${text}`));
          });
        },
      );
      outgoing.on('error', reject).end(body);
    });
  return { send, close: () => agent.destroy() };
}

const WARM_UP = 2000;

/** Lets the client be compiled before anybody is measured by it, on a server that answers at once. */
export async function warmClient(): Promise<void> {
  const server = createHttpServer((incoming, outgoing) => {
    incoming.resume().on('end', () => outgoing.end('<ready/>'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  const client = rawClient(`http://127.0.0.1:${address.port}`);
  for (let n = 0; n < WARM_UP; n++) await client.send({ Action: 'Warm', Number: String(n) });
  client.close();
  await new Promise((resolve) => server.close(resolve));
}

const idIn = (xml: string, tag: string): string =>
  present(new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(xml)?.[1], tag);

export interface Site {
  readonly subnet: string;
  readonly table: string;
  readonly enis: readonly [string, string];
}

/** A VPC with a subnet, a route table of 11 routes and two ENIs. */
export async function makeSite(send: Send): Promise<Site> {
  const vpc = idIn(await send({ Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
  const cidr = { VpcId: vpc, CidrBlock: '10.0.0.0/17' };
  const subnet = idIn(await send({ Action: 'CreateSubnet', ...cidr }), 'subnetId');
  const table = idIn(await send({ Action: 'CreateRouteTable', VpcId: vpc }), 'routeTableId');
  const eni = async (): Promise<string> =>
    idIn(await send({ Action: 'CreateNetworkInterface', SubnetId: subnet }), 'networkInterfaceId');
  const enis = [await eni(), await eni()] as const;
  for (let n = 0; n < 10; n++) {
    const route = { DestinationCidrBlock: `172.16.${n}.0/24`, NetworkInterfaceId: enis[0] };
    await send({ Action: 'CreateRoute', RouteTableId: table, ...route });
  }
  return { subnet, table, enis };
}

export const ACTIONS = ['DescribeRouteTables', 'ReplaceRoute', 'CreateNetworkInterface'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** The recorded requests: the n-th of an action, with a site's ids. */
function recorded(action: ActionName, { subnet, table, enis }: Site, n: number): Record<string, string> {
  switch (action) {
    case 'DescribeRouteTables':
      return { Action: action, 'RouteTableId.1': table };
    case 'ReplaceRoute': {
      const route = { DestinationCidrBlock: `172.16.${n % 10}.0/24`, NetworkInterfaceId: enis[n % 2] ?? '' };
      return { Action: action, RouteTableId: table, ...route };
    }
    case 'CreateNetworkInterface':
      return { Action: action, SubnetId: subnet, Description: `eni ${n}` };
  }
}

/** Requests a second of one action. */
export async function rateOf(send: Send, site: Site, action: ActionName, count: number): Promise<number> {
  for (let n = 0; n < count / 10; n++) await send(recorded(action, site, n));
  const begun = performance.now();
  for (let n = 0; n < count; n++) await send(recorded(action, site, n));
  return (count * 1000) / (performance.now() - begun);
}

/** The same by boto3; empty where it is not installed. */
export function boto3Rates(url: string, site: Site, count: number): Partial<Record<ActionName, number>> {
  const { table, subnet, enis } = site;
  const { status, stdout } = spawnSync('python3', [PYTHON, url, table, subnet, ...enis, String(count)], {
    encoding: 'utf8',
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: ACCOUNT,
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_DEFAULT_REGION: REGION,
    },
  });
  return status === 0 ? JSON.parse(stdout) : {};
}
