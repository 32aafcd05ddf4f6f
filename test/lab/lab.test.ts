import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask as askLab } from '../../sim/lab/ask.ts';
import { missingHere, type Rig, said, startRig } from './rig.ts';
import { createScene, HOST, PLACE, type Scene } from './scene.ts';

const missing = missingHere();
const title = missing.length === 0 ? 'a lab' : `a lab (needs ${missing.join('; ')})`;
const OUTSIDE_PROGRAM = new URL('outside.mjs', import.meta.url).pathname;

/** What the host outside says of who sent it a datagram. */
const WHO = `exec 3<>/dev/udp/${HOST}/7; echo x >&3; timeout 1 dd bs=200 count=1 status=none <&3`;
const MASQUERADE = `echo 1 >/proc/sys/net/ipv4/ip_forward
nft 'table ip lab { chain out { type nat hook postrouting priority 100; ip saddr 10.0.10.0/24 masquerade; }; }'`;

describe.skipIf(missing.length > 0)(title, () => {
  let rig: Rig;
  let scene: Scene;
  beforeAll(async () => {
    const made = createScene();
    scene = made.scene;
    rig = await startRig(made.world);
    await said(rig.start('outside', [process.execPath, OUTSIDE_PROGRAM]), /ready/);
    for (const { instance } of [scene.a, scene.b])
      expect(await rig.run(instance, MASQUERADE)).toMatchObject({ status: 0 });
  });
  afterAll(() => rig?.close());

  /** Calls the lab's EC2 API, as a client in the lab's own namespace. */
  const ec2 = async (action: string, input: Readonly<Record<string, string>>): Promise<string> => {
    const body = new URLSearchParams({ Action: action, Version: '2016-11-15', ...input }).toString();
    const scope = `${PLACE.account}/20260101/${PLACE.region}/ec2/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
    const script = `exec 3<>/dev/tcp/127.0.0.1/4566
printf 'POST / HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\ncontent-type: application/x-www-form-urlencoded\\r\\nauthorization: ${authorization}\\r\\ncontent-length: ${body.length}\\r\\n\\r\\n%s' '${body}' >&3
cat <&3`;
    const { out } = await rig.run('lab', script);
    expect(out).toMatch(/^HTTP\/1.1 200/);
    return out;
  };
  const pings = async (from: string, to: string): Promise<boolean> =>
    (await rig.run(from, `ping -c 1 -W 1 ${to}`)).status === 0;

  it('carries packets across subnets, of both families', async () => {
    expect(await pings(scene.a.instance, scene.b.address)).toBe(true);
    expect(await pings(scene.a.instance, scene.b.address6)).toBe(true);
    expect(await pings(scene.a.instance, '10.0.1.99')).toBe(false);
  });

  it('sends a workload through the appliance that its route table names, at once when that changes', async () => {
    expect(await rig.run(scene.workload.instance, WHO)).toMatchObject({ out: scene.a.public });
    const route = { RouteTableId: scene.table, DestinationCidrBlock: '0.0.0.0/0' };
    await ec2('ReplaceRoute', { ...route, NetworkInterfaceId: scene.b.eni });
    expect(await rig.run(scene.workload.instance, WHO)).toMatchObject({ out: scene.b.public });
    await ec2('ReplaceRoute', { ...route, NetworkInterfaceId: scene.a.eni });
    expect(await rig.run(scene.workload.instance, WHO)).toMatchObject({ out: scene.a.public });
  });

  it('translates by a NAT gateway', async () => {
    expect(await rig.run(scene.shy.instance, WHO)).toMatchObject({ out: scene.natAddress });
    const tcp = `exec 3<>/dev/tcp/${HOST}/7; timeout 1 cat <&3`;
    expect(await rig.run(scene.shy.instance, tcp)).toMatchObject({ out: scene.natAddress });
    expect(await pings(scene.shy.instance, HOST)).toBe(true);
  });

  it.each(['workload', 'shy', 'a'] as const)('keeps a stream of TCP whole from %s', async (name) => {
    const script = `head -c 5000000 /dev/urandom >/tmp/stream; sha256sum /tmp/stream | cut -c 1-64
node -e 'require("node:net").connect(9, "${HOST}").on("data", (d) => process.stdout.write(d)).end(require("node:fs").readFileSync("/tmp/stream"))'`;
    const { out } = await rig.run(scene[name].instance, script);
    const [wanted, received] = out.split('\n');
    expect(received).toBe(wanted);
    expect(wanted).toHaveLength(64);
  });

  it('answers packets that are too long by ICMP with the MTU', async () => {
    const within = `ping -c 1 -W 1 -M do -s 8973 ${scene.b.address}`;
    expect(await rig.run(scene.a.instance, within)).toMatchObject({ status: 0 });
    const beyond = `ping -c 1 -W 1 -M do -s 1473 ${HOST}`;
    const first = await rig.run(scene.a.instance, beyond);
    expect(first.out).toMatch(/[Ff]rag.* needed.*mtu = 1500/);
    const shy = await rig.run(scene.shy.instance, beyond);
    expect(shy.out).toMatch(/[Ff]rag.* needed.*mtu = 1500/);
  });

  it('serves metadata and names, to each instance its own', async () => {
    for (const { instance, address } of [scene.a, scene.shy]) {
      const request = (method: string, path: string, header: string): string =>
        `exec 3<>/dev/tcp/169.254.169.254/80; printf '${method} ${path} HTTP/1.0\\r\\n${header}\\r\\n\\r\\n' >&3; cat <&3`;
      const put = request('PUT', '/latest/api/token', 'x-aws-ec2-metadata-token-ttl-seconds: 60');
      const token = (await rig.run(instance, put)).out.trim().split('\n').at(-1);
      const get = request('GET', '/latest/meta-data/local-ipv4', `x-aws-ec2-metadata-token: ${token}`);
      expect((await rig.run(instance, get)).out.endsWith(address)).toBe(true);
    }
    const own = `ip-${scene.b.address.replaceAll('.', '-')}.${PLACE.region}.compute.internal`;
    expect((await rig.run(scene.a.instance, `getent hosts ${own}`)).out).toContain(scene.b.address);
    const api = `getent ahostsv4 ec2.${PLACE.region}.amazonaws.com`;
    expect((await rig.run(scene.a.instance, api)).out).toContain('192.0.2.10');
  });

  it('tells what becomes of packets, and why', async () => {
    const seen: string[] = [];
    const denied = new Promise<void>((resolve, reject) => {
      askLab(rig.lab, { kind: 'trace' }, (answer) => {
        if (answer.kind !== 'packets') return false;
        for (const { from, disposition, reason } of answer.packets)
          seen.push(`${from} ${disposition}: ${reason}`);
        return seen.some((line) => line.includes('NO_POSSIBLE_DESTINATION'));
      }).then(resolve, reject);
    });
    await ec2('DescribeVpcs', {});
    const nudge = setInterval(() => void pings(scene.a.instance, '10.0.1.99'), 1500);
    await pings(scene.a.instance, '10.0.1.99');
    await denied.finally(() => clearInterval(nudge));
    const line = seen.find((each) => each.includes('NO_POSSIBLE_DESTINATION'));
    expect(line).toContain(scene.a.eni);
    expect(line).toContain('no ENI has that address');
  });

  it('cuts and heals', async () => {
    const cut = await rig.ask({ kind: 'cut', from: scene.a.instance, to: scene.b.instance, loss: 1 });
    expect(await pings(scene.a.instance, scene.b.address)).toBe(false);
    const id = cut.kind === 'done' ? (cut.text.split(' ')[0] ?? '') : '';
    await rig.ask({ kind: 'heal', id });
    expect(await pings(scene.a.instance, scene.b.address)).toBe(true);
  });

  it('moves an ENI from machine to machine', async () => {
    const made = await ec2('CreateNetworkInterface', {
      SubnetId:
        /<subnetId>(subnet-\w+)/.exec(
          await ec2('DescribeNetworkInterfaces', { 'NetworkInterfaceId.1': scene.a.eni }),
        )?.[1] ?? '',
    });
    const eni = /<networkInterfaceId>(eni-\w+)/.exec(made)?.[1] ?? '';
    const devices = async (machine: string) => (await rig.run(machine, 'ls /sys/class/net')).out.split('\n');
    const attach = { NetworkInterfaceId: eni, InstanceId: scene.a.instance, DeviceIndex: '1' };
    const first = await ec2('AttachNetworkInterface', attach);
    await rig.ask({ kind: 'list' });
    expect(await devices(scene.a.instance)).toContain('eth1');
    const AttachmentId = /<attachmentId>(eni-attach-\w+)/.exec(first)?.[1] ?? '';
    await ec2('DetachNetworkInterface', { AttachmentId, Force: 'true' });
    await ec2('AttachNetworkInterface', { ...attach, InstanceId: scene.shy.instance });
    await rig.ask({ kind: 'list' });
    expect(await devices(scene.shy.instance)).toContain('eth1');
  });

  it('kills a machine with all that runs in it, and boots it anew', async () => {
    const { instance, address } = scene.b;
    const program = rig.start(instance, ['sh', '-c', 'echo begun; exec sleep 1000']);
    const ended = new Promise((resolve) => program.once('exit', resolve));
    await said(program, /begun/);
    await rig.ask({ kind: 'verb', machine: instance, verb: 'freeze' });
    expect(await pings(scene.a.instance, address)).toBe(false);
    await rig.ask({ kind: 'verb', machine: instance, verb: 'resume' });
    expect(await pings(scene.a.instance, address)).toBe(true);
    await rig.ask({ kind: 'verb', machine: instance, verb: 'kill' });
    await ended;
    expect(await pings(scene.a.instance, address)).toBe(false);
    await rig.ask({ kind: 'verb', machine: instance, verb: 'start' });
    expect(await pings(scene.a.instance, address)).toBe(true);
    expect((await rig.run(instance, 'cat /proc/sys/net/ipv4/ip_forward')).out.trim()).toBe('0');
  });

  it('leaves nothing behind where its starter is killed', async () => {
    const inside = rig.start(scene.a.instance, ['sh', '-c', 'echo begun; exec sleep 1000']);
    const ended = new Promise((resolve) => inside.once('exit', resolve));
    await said(inside, /begun/);
    rig.starter.kill('SIGKILL');
    await ended;
    expect(existsSync(rig.lab.socket)).toBe(false);
  });
});
