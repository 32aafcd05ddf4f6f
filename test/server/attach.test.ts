/**
 * The attach protocol, spoken by hand: what a daemon process inside a simulated instance can do, and what
 * befalls it.
 */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AttachReply, AttachRequest } from '../../controller/attach.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { deployScene, type Scene, until } from './scene.ts';

interface Daemon {
  readonly heard: AttachReply[];
  readonly say: (frame: AttachRequest) => void;
  readonly raw: (text: string) => void;
  readonly socket: Duplex;
  closed: boolean;
}

let simulator: RunningSimulator;
let scene: Scene;

beforeEach(async () => {
  simulator = await startSimulator();
  scene = await deployScene(simulator);
});
afterEach(() => simulator.close());

function attach(instance: string): Promise<Daemon> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${simulator.url}/_byoa/attach/${instance}`, {
      headers: { connection: 'upgrade', upgrade: 'byoa-attach' },
    });
    outgoing.on('upgrade', (_response, socket, head) => {
      const daemon: Daemon = {
        heard: [],
        say: (frame) => socket.write(`${JSON.stringify(frame)}\n`),
        raw: (text) => socket.write(text),
        socket,
        closed: false,
      };
      let rest = '';
      const take = (text: string): void => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) daemon.heard.push(JSON.parse(line));
      };
      take(head.toString());
      socket.setEncoding('utf8');
      socket.on('data', take);
      socket.on('close', () => {
        daemon.closed = true;
      });
      socket.on('error', () => {});
      resolve(daemon);
    });
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const hears = <Op extends AttachReply['op']>(
  daemon: Daemon,
  op: Op,
  id?: number,
): Promise<Extract<AttachReply, { op: Op }>> =>
  until(`${op} ${id ?? ''}`, () =>
    daemon.heard.find(
      (reply): reply is Extract<AttachReply, { op: Op }> =>
        reply.op === op && (id === undefined || ('id' in reply && reply.id === id)),
    ),
  );

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const heardText = (daemon: Daemon, id: number): string =>
  daemon.heard
    .flatMap((reply) =>
      reply.op === 'tcp-data' && reply.id === id ? [Buffer.from(reply.data, 'base64').toString()] : [],
    )
    .join('');

test('hello says where the daemon is', async () => {
  const daemon = await attach(scene.one);
  expect(await hears(daemon, 'hello')).toMatchObject({
    instance: scene.one,
    account: '111122223333',
    region: 'eu-central-1',
    interfaces: [{ deviceIndex: 0, addresses: ['10.0.0.11'], mac: expect.stringMatching(/^02:/) }],
  });
});

test('ICMP: a neighbour and a host on the Internet answer, a dead one and a wrong next hop do not', async () => {
  const daemon = await attach(scene.one);
  daemon.say({ op: 'icmp', id: 1, to: scene.twoAddress });
  daemon.say({ op: 'icmp', id: 2, to: '203.0.113.10' });
  expect(await hears(daemon, 'icmp-reply', 1)).toMatchObject({ from: scene.twoAddress });
  expect(await hears(daemon, 'icmp-reply', 2)).toMatchObject({ from: '203.0.113.10' });
  daemon.say({ op: 'icmp', id: 3, to: '203.0.113.10', via: '172.16.0.1' });
  expect((await hears(daemon, 'icmp-failed', 3)).reason).toContain('cannot send to 203.0.113.10');
  simulator.instance(scene.two, 'kill');
  daemon.say({ op: 'icmp', id: 4, to: scene.twoAddress });
  daemon.say({ op: 'icmp', id: 5, to: '203.0.113.10' });
  await hears(daemon, 'icmp-reply', 5);
  expect(daemon.heard.some((reply) => 'id' in reply && reply.id === 4)).toBe(false);
});

test('TCP between two daemons: open, data both ways, ends, refusals', async () => {
  const one = await attach(scene.one);
  const two = await attach(scene.two);
  two.say({ op: 'tcp-listen', id: 70, port: 8179 });
  one.say({ op: 'icmp', id: 1, to: scene.twoAddress });
  await hears(one, 'icmp-reply', 1);
  one.say({ op: 'tcp-open', id: 2, to: scene.twoAddress, port: 8179 });
  await hears(one, 'tcp-opened', 2);
  const accepted = await hears(two, 'tcp-accepted');
  expect(accepted).toMatchObject({ listener: 70, from: '10.0.0.11' });
  expect(accepted.id).toBeLessThan(0);
  const long = 'x'.repeat(100_000);
  one.say({ op: 'tcp-data', id: 2, data: base64(long) });
  await until('all data', () => heardText(two, accepted.id).length === long.length);
  two.say({ op: 'tcp-data', id: accepted.id, data: base64('back') });
  two.say({ op: 'tcp-end', id: accepted.id });
  await hears(one, 'tcp-end', 2);
  expect(heardText(one, 2)).toBe('back');
  one.say({ op: 'tcp-open', id: 3, to: scene.twoAddress, port: 9 });
  expect((await hears(one, 'tcp-reset', 3)).reason).toContain('reset');
  one.say({ op: 'tcp-listen', id: 4, port: 80 });
  one.say({ op: 'tcp-listen', id: 5, port: 80 });
  expect((await hears(one, 'tcp-reset', 5)).reason).toContain('in use');
});

test('UDP', async () => {
  const one = await attach(scene.one);
  const two = await attach(scene.two);
  two.say({ op: 'udp-bind', id: 1, port: 3784 });
  one.say({ op: 'udp-bind', id: 1, port: 49152 });
  two.say({ op: 'resolve', id: 2, name: '10.0.0.1' });
  await hears(two, 'resolved', 2);
  one.say({ op: 'udp-send', id: 1, to: scene.twoAddress, port: 3784, data: base64('hello') });
  expect(await hears(two, 'udp')).toMatchObject({
    id: 1,
    from: '10.0.0.11',
    port: 49152,
    data: base64('hello'),
  });
});

test('the APIs are reached by name over the simulated network, or not at all', async () => {
  const daemon = await attach(scene.one);
  daemon.say({ op: 'resolve', id: 1, name: 'ec2.eu-central-1.amazonaws.com' });
  daemon.say({ op: 'resolve', id: 2, name: 'example.com' });
  expect((await hears(daemon, 'resolved', 2)).addresses).toEqual([]);
  const { addresses } = await hears(daemon, 'resolved', 1);
  expect(addresses).toEqual(['192.0.2.10']);
  const form = 'Action=DescribeVpcs&Version=2016-11-15';
  const scope = 'Credential=111122223333/20260101/eu-central-1/ec2/aws4_request';
  const post = [
    'POST / HTTP/1.1',
    'host: ec2.eu-central-1.amazonaws.com',
    'content-type: application/x-www-form-urlencoded',
    `authorization: AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0`,
    `content-length: ${form.length}`,
    '',
    form,
  ].join('\r\n');
  daemon.say({ op: 'tcp-open', id: 3, to: '192.0.2.10', port: 80 });
  daemon.say({ op: 'tcp-data', id: 3, data: base64(post) });
  await until('an answer', () => heardText(daemon, 3).includes('</DescribeVpcsResponse>'));
  expect(heardText(daemon, 3)).toMatch(/^HTTP\/1.1 200[\s\S]*<cidrBlock>10.0.0.0\/16/);
  simulator.cut({ from: scene.one, to: 'internet', direction: 'both', loss: 1 });
  daemon.say({ op: 'tcp-open', id: 4, to: '192.0.2.10', port: 80 });
  daemon.say({ op: 'icmp', id: 5, to: scene.twoAddress });
  await hears(daemon, 'icmp-reply', 5);
  expect(daemon.heard.some((reply) => reply.op === 'tcp-opened' && reply.id === 4)).toBe(false);
});

test('guest changes are made, and their failure is told', async () => {
  const daemon = await attach(scene.one);
  const { interfaces } = await hears(daemon, 'hello');
  const mac = interfaces[0]?.mac ?? '';
  daemon.say({
    op: 'guest',
    id: 1,
    changes: [{ kind: 'address-add', mac, address: '10.0.0.99', length: 24 }],
  });
  expect(await hears(daemon, 'guest-done', 1)).toEqual({ op: 'guest-done', id: 1 });
  const far = { kind: 'route-add', mac, table: 7, destination: '192.0.2.0/24', via: '198.51.100.1' } as const;
  daemon.say({ op: 'guest', id: 2, changes: [far] });
  expect((await hears(daemon, 'guest-done', 2)).failure).toContain('198.51.100.1 is not on the link');
});

test('frozen: nothing is done until it resumes; dead: told, and gone', async () => {
  const daemon = await attach(scene.one);
  await hears(daemon, 'hello');
  simulator.instance(scene.one, 'freeze');
  expect(await hears(daemon, 'power')).toMatchObject({ state: 'frozen' });
  daemon.say({ op: 'icmp', id: 1, to: scene.twoAddress });
  const other = await attach(scene.two);
  other.say({ op: 'icmp', id: 1, to: '203.0.113.10' });
  await hears(other, 'icmp-reply', 1);
  expect(daemon.heard.some((reply) => reply.op === 'icmp-reply')).toBe(false);
  simulator.instance(scene.one, 'resume');
  await hears(daemon, 'icmp-reply', 1);
  simulator.instance(scene.one, 'kill');
  await until('power dead', () =>
    daemon.heard.some((reply) => reply.op === 'power' && reply.state === 'dead'),
  );
  await until('closed', () => daemon.closed);
  await expect(attach(scene.one)).rejects.toThrow(/409.*not running/);
});

test('what cannot be attached to is refused with words; a frame that is none ends the session', async () => {
  await expect(attach('i-00000000000000000')).rejects.toThrow(/404.*no instance/);
  const daemon = await attach(scene.one);
  daemon.raw('{"op":"tcp-open","id":1,"to":"nowhere","port":99999}\n');
  await until('closed', () => daemon.closed);
  const flood = await attach(scene.one);
  flood.raw('x'.repeat(3 << 20));
  await until('closed', () => flood.closed);
  const fresh = await attach(scene.one);
  fresh.say({ op: 'icmp', id: 1, to: scene.twoAddress });
  await hears(fresh, 'icmp-reply', 1);
});

test('a daemon that leaves frees its ports and resets its connections', async () => {
  const one = await attach(scene.one);
  const two = await attach(scene.two);
  one.say({ op: 'tcp-listen', id: 1, port: 8179 });
  two.say({ op: 'icmp', id: 9, to: '10.0.0.11' });
  await hears(two, 'icmp-reply', 9);
  two.say({ op: 'tcp-open', id: 2, to: '10.0.0.11', port: 8179 });
  await hears(two, 'tcp-opened', 2);
  await hears(one, 'tcp-accepted');
  one.socket.destroy();
  await hears(two, 'tcp-reset', 2);
  const again = await attach(scene.one);
  again.say({ op: 'tcp-listen', id: 1, port: 8179 });
  two.say({ op: 'icmp', id: 10, to: '10.0.0.11' });
  await hears(two, 'icmp-reply', 10);
  two.say({ op: 'tcp-open', id: 3, to: '10.0.0.11', port: 8179 });
  await hears(two, 'tcp-opened', 3);
});
