/** Each knob of the APIs on its own, and the faults that a test aims at single calls. */
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { watchFlow } from '../../sim/chaos/watch.ts';
import { inject, request, setKnobs } from '../../sim/world/api.ts';
import { changeGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { INSTANT, type Knobs, PROFILES } from '../../sim/world/settings.ts';
import type { World } from '../../sim/world/state.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { createWorld } from '../../sim/world/world.ts';
import { ACCOUNT, call, callRaw, deployPair, moveTo, REGION } from './pair.ts';

const HOST = '203.0.113.10';

const scene = (knobs: Partial<Knobs>, seed = 1) => {
  const world = createWorld({ seed });
  const pair = deployPair(world);
  setKnobs(world.api, knobs);
  const replaceRoute = (to = pair.b) =>
    callRaw(world, 'ReplaceRoute', {
      RouteTableId: pair.table,
      DestinationCidrBlock: '0.0.0.0/0',
      NetworkInterfaceId: to.eni,
    });
  return { world, pair, replaceRoute };
};

/** The ENI that the API says, and the one that packets go to. */
const targets = (world: World, pair: ReturnType<typeof deployPair>) => {
  const output = call<{
    RouteTables: { Routes: { DestinationCidrBlock: string; NetworkInterfaceId?: string }[] }[];
  }>(world, 'DescribeRouteTables', { RouteTableIds: [pair.table] });
  const route = output.RouteTables[0]?.Routes.find((each) => each.DestinationCidrBlock === '0.0.0.0/0');
  const trace = must(tracePacket(world, { from: pair.workload.instance, to: HOST }));
  const through = trace.hops.find((hop) => hop.route?.table === pair.table)?.route?.target;
  return { api: route?.NetworkInterfaceId, packets: through };
};

describe('knobs', () => {
  test('the instant profile takes no time', () => {
    const { world, pair } = scene({});
    const before = world.now;
    moveTo(world, pair, pair.b);
    expect(world.now).toBe(before);
    expect(targets(world, pair)).toEqual({ api: pair.b.eni, packets: pair.b.eni });
  });

  test('latency: a call takes effect at its end, just before its answer', () => {
    const { world, pair } = scene({ latency: { medianMs: 150, spread: 0 } });
    const before = world.now;
    let answeredAt: number | undefined;
    const input = {
      RouteTableId: pair.table,
      DestinationCidrBlock: '0.0.0.0/0',
      NetworkInterfaceId: pair.b.eni,
    };
    request(
      world.api,
      { account: ACCOUNT, region: REGION, service: 'ec2', action: 'ReplaceRoute', input },
      () => {
        answeredAt = world.now;
      },
    );
    advance(world, before + 149.9);
    const routeOf = (): unknown => world.records['route-table'].get(pair.table)?.routes.at(-1)?.target;
    expect(routeOf()).toMatchObject({ eni: pair.a.eni });
    advance(world, before + 150);
    expect(routeOf()).toMatchObject({ eni: pair.b.eni });
    expect(answeredAt).toBe(before + 150);
  });

  test('propagation: the API shows the change before packets follow it', () => {
    const { world, pair } = scene({ propagation: { medianMs: 500, spread: 0 } });
    moveTo(world, pair, pair.b);
    expect(targets(world, pair)).toEqual({ api: pair.b.eni, packets: pair.a.eni });
    advance(world, world.now + 499);
    expect(targets(world, pair).packets).toBe(pair.a.eni);
    advance(world, world.now + 1);
    expect(targets(world, pair).packets).toBe(pair.b.eni);
  });

  test('propagation: an older change that arrives later never undoes a newer one', () => {
    for (let seed = 0; seed < 8; seed++) {
      const { world, pair } = scene({ propagation: { medianMs: 500, spread: 1 } }, seed);
      for (let round = 0; round < 10; round++) {
        moveTo(world, pair, pair.a);
        moveTo(world, pair, pair.b);
        advance(world, world.now + 1);
      }
      advance(world, world.now + 100_000);
      expect(targets(world, pair).packets).toBe(pair.b.eni);
    }
  });

  test('propagation: a subnet that goes to another table is at no instant without', () => {
    for (let seed = 0; seed < 8; seed++) {
      const { world, pair } = scene({ propagation: { medianMs: 500, spread: 1 } }, seed);
      const { RouteTableId } = call<{ RouteTable: { RouteTableId: string } }>(world, 'CreateRouteTable', {
        VpcId: pair.vpc,
      }).RouteTable;
      const DestinationCidrBlock = '0.0.0.0/0';
      call(world, 'CreateRoute', { RouteTableId, DestinationCidrBlock, NetworkInterfaceId: pair.b.eni });
      const { RouteTables } = call<{
        RouteTables: { Associations: { RouteTableAssociationId: string }[] }[];
      }>(world, 'DescribeRouteTables', { RouteTableIds: [pair.table] });
      const AssociationId = RouteTables[0]?.Associations[0]?.RouteTableAssociationId;
      advance(world, world.now + 10_000);
      const watch = watchFlow(world, { name: 'workload', instance: pair.workload.instance }, HOST);
      call(world, 'ReplaceRouteTableAssociation', { AssociationId, RouteTableId });
      advance(world, world.now + 10_000);
      expect([watch.down, watch.blackouts]).toEqual([undefined, []]);
      const { hops } = must(tracePacket(world, { from: pair.workload.instance, to: HOST }));
      expect(hops.some(({ route }) => route?.table === RouteTableId)).toBe(true);
    }
  });

  test('throttle: the 51st mutating call of a burst is refused (50 at once, 5 a second)', () => {
    const { world, replaceRoute } = scene({ throttle: 'aws' });
    const replies = Array.from({ length: 51 }, () => replaceRoute());
    expect(replies.filter((reply) => reply?.kind === 'ok')).toHaveLength(50);
    expect(replies[50]).toMatchObject({ kind: 'error', code: 'RequestLimitExceeded', status: 503 });
    advance(world, world.now + 250);
    expect(replaceRoute()).toMatchObject({ kind: 'ok' });
  });

  test('stale reads: a describe may not know yet what was just written', () => {
    const { world, pair } = scene({ staleReadsMs: 1000 });
    advance(world, world.now + 10_000);
    moveTo(world, pair, pair.b);
    const seen = new Set(Array.from({ length: 50 }, () => targets(world, pair).api));
    expect(seen).toEqual(new Set([pair.a.eni]));
    advance(world, world.now + 500);
    expect(new Set(Array.from({ length: 50 }, () => targets(world, pair).api))).toEqual(
      new Set([pair.a.eni, pair.b.eni]),
    );
    advance(world, world.now + 501);
    expect(targets(world, pair).api).toBe(pair.b.eni);
  });

  test('errors: a share of calls fails and changes nothing', () => {
    const { world, pair, replaceRoute } = scene({ errors: { rate: 0.5, code: 'Unavailable', status: 503 } });
    const replies = Array.from({ length: 200 }, () => replaceRoute());
    const failed = replies.filter((reply) => reply?.kind === 'error');
    expect(failed.length).toBeGreaterThan(70);
    expect(failed.length).toBeLessThan(130);
    expect(failed[0]).toMatchObject({ code: 'Unavailable', status: 503 });
    setKnobs(world.api, { errors: { ...INSTANT.errors, rate: 1 } });
    replaceRoute(pair.a);
    setKnobs(world.api, INSTANT);
    expect(targets(world, pair).api).toBe(pair.b.eni);
  });

  test('applied but timed out: no answer, and yet it has happened', () => {
    const { world, pair, replaceRoute } = scene({ appliedButTimedOut: 1 });
    expect(replaceRoute()).toBeUndefined();
    setKnobs(world.api, INSTANT);
    expect(targets(world, pair)).toEqual({ api: pair.b.eni, packets: pair.b.eni });
  });

  test('attach and detach take their time', () => {
    const { world, pair } = scene({ attachMs: 3000, detachMs: 2000 });
    const subnet = world.records['network-interface'].get(pair.a.eni)?.subnet;
    const made = call<{ NetworkInterface: { NetworkInterfaceId: string } }>(world, 'CreateNetworkInterface', {
      SubnetId: subnet,
    });
    const { NetworkInterfaceId } = made.NetworkInterface;
    const statusOf = (): string | undefined =>
      call<{ NetworkInterfaces: { Status: string }[] }>(world, 'DescribeNetworkInterfaces', {
        NetworkInterfaceIds: [NetworkInterfaceId],
      }).NetworkInterfaces[0]?.Status;
    const devices = (): number => world.guests.get(pair.a.instance)?.kernel.devices.length ?? 0;
    const { AttachmentId } = call<{ AttachmentId: string }>(world, 'AttachNetworkInterface', {
      NetworkInterfaceId,
      InstanceId: pair.a.instance,
      DeviceIndex: 1,
    });
    advance(world, world.now + 2999);
    expect(devices()).toBe(1);
    advance(world, world.now + 1);
    expect([statusOf(), devices()]).toEqual(['in-use', 2]);
    call(world, 'DetachNetworkInterface', { AttachmentId });
    advance(world, world.now + 2000);
    expect([statusOf(), devices()]).toEqual(['available', 1]);
  });

  test('start and stop take their time, and power follows', () => {
    const { world, pair } = scene({ startMs: 5000, stopMs: 4000 });
    const power = (): string | undefined => world.guests.get(pair.a.instance)?.endpoint.power;
    call(world, 'StopInstances', { InstanceIds: [pair.a.instance] });
    expect(power()).toBe('dead');
    advance(world, world.now + 4000);
    call(world, 'StartInstances', { InstanceIds: [pair.a.instance] });
    advance(world, world.now + 4999);
    expect(power()).toBe('dead');
    advance(world, world.now + 1);
    expect(power()).toBe('running');
  });

  test('a reboot takes its time, and leaves nothing of the kernel as it was set', () => {
    const { world, pair } = scene({ rebootMs: 20_000 });
    const { instance } = pair.b;
    const power = (): string | undefined => world.guests.get(instance)?.endpoint.power;
    const addresses = (): readonly string[] =>
      world.guests
        .get(instance)
        ?.kernel.devices.flatMap((device) => device.addresses.map(({ address }) => formatAddress(address))) ??
      [];
    const mac = world.records['network-interface'].get(pair.b.eni)?.mac ?? '';
    const added = { kind: 'address-add', mac, address: '10.0.1.99', length: 24 } as const;
    changeGuest(world, instance, [added], (failure) => expect(failure).toBeUndefined());
    expect(addresses()).toEqual(['10.0.1.10', '10.0.1.99']);
    call(world, 'RebootInstances', { InstanceIds: [instance] });
    advance(world, world.now + 19_999);
    expect([power(), world.records.instance.get(instance)?.state]).toEqual(['dead', 'running']);
    advance(world, world.now + 1);
    expect([power(), addresses()]).toEqual(['running', ['10.0.1.10']]);
  });

  test('a machine that is stopped while it reboots stays off', () => {
    const { world, pair } = scene({ rebootMs: 20_000 });
    const InstanceIds = [pair.a.instance];
    call(world, 'RebootInstances', { InstanceIds });
    call(world, 'StopInstances', { InstanceIds });
    advance(world, world.now + 30_000);
    const power = (): string | undefined => world.guests.get(pair.a.instance)?.endpoint.power;
    expect(power()).toBe('dead');
    call(world, 'StartInstances', { InstanceIds });
    expect(power()).toBe('running');
  });

  test('strict AMI ids', () => {
    const { world, pair } = scene({ strictAmi: true });
    const subnet = world.records['network-interface'].get(pair.a.eni)?.subnet;
    const input = {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: subnet,
    };
    expect(callRaw(world, 'RunInstances', input)).toMatchObject({ code: 'InvalidAMIID.NotFound' });
  });

  test('the aws profile sets them all', () => {
    const { throttle, latency, propagation, attachMs } = PROFILES.aws;
    expect({ throttle, latency: latency.medianMs, propagation: propagation.medianMs, attachMs }).toEqual({
      throttle: 'aws',
      latency: 150,
      propagation: 500,
      attachMs: 3000,
    });
  });
});

describe('faults for single calls', () => {
  test('the next three of an action are throttled, others are not', () => {
    const { world, replaceRoute } = scene({});
    inject(world.api, { action: 'ReplaceRoute', fault: { kind: 'throttle' }, times: 3 });
    expect(callRaw(world, 'DescribeVpcs', {})).toMatchObject({ kind: 'ok' });
    const codes = Array.from({ length: 4 }, () => replaceRoute()).map((reply) =>
      reply?.kind === 'error' ? reply.code : reply?.kind,
    );
    expect(codes).toEqual(['RequestLimitExceeded', 'RequestLimitExceeded', 'RequestLimitExceeded', 'ok']);
  });

  test('lost: neither answered nor applied; late: applied long after', () => {
    const { world, pair, replaceRoute } = scene({});
    inject(world.api, { action: 'ReplaceRoute', fault: { kind: 'lost' }, times: 1 });
    expect(replaceRoute()).toBeUndefined();
    expect(targets(world, pair).api).toBe(pair.a.eni);
    inject(world.api, { action: 'ReplaceRoute', fault: { kind: 'late', delayMs: 90_000 }, times: 1 });
    expect(replaceRoute()).toBeUndefined();
    expect(targets(world, pair).api).toBe(pair.a.eni);
    advance(world, world.now + 91_000);
    expect(targets(world, pair).api).toBe(pair.b.eni);
  });

  test('an error of choice, and what was refused is in the log', () => {
    const { world, replaceRoute } = scene({});
    inject(world.api, {
      fault: { kind: 'error', code: 'UnauthorizedOperation', message: 'No.', status: 403 },
      times: 1,
    });
    expect(replaceRoute()).toMatchObject({ code: 'UnauthorizedOperation', status: 403 });
    expect(world.log.at(-1)).toMatchObject({
      kind: 'api',
      action: 'ReplaceRoute',
      outcome: 'UnauthorizedOperation',
      applied: false,
    });
  });
});
