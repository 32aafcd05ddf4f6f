/** Datagrams to a group in a world: made by the EC2 API, received by every member. Fact F5. */
import type { CreateTransitGatewayMulticastDomainResult, TransitGateway } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { describeTrace } from '../../sim/server/describe-trace.ts';
import { endpointOf } from '../../sim/world/guests.ts';
import { bindUdp, sendUdp } from '../../sim/world/sockets.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair } from './pair.ts';
import { pass } from './sync.ts';

const GROUP = '239.1.1.1';

test('each member receives a datagram once, the others and the sender none; a trace shows every copy', () => {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world);
  const { TransitGateway: made } = call<{ TransitGateway: TransitGateway }>(world, 'CreateTransitGateway', {
    Options: { MulticastSupport: 'enable' },
  });
  pass(world, 1000);
  const SubnetIds = [pair.a, pair.b, pair.workload].map(({ eni }) =>
    present(world.records['network-interface'].get(eni)?.subnet, eni),
  );
  const { TransitGatewayAttachmentId } = call<{
    TransitGatewayVpcAttachment: { TransitGatewayAttachmentId: string };
  }>(world, 'CreateTransitGatewayVpcAttachment', {
    TransitGatewayId: made.TransitGatewayId,
    VpcId: pair.vpc,
    SubnetIds: SubnetIds.slice(0, 2),
  }).TransitGatewayVpcAttachment;
  const { TransitGatewayMulticastDomain: domain } = call<CreateTransitGatewayMulticastDomainResult>(
    world,
    'CreateTransitGatewayMulticastDomain',
    { TransitGatewayId: made.TransitGatewayId },
  );
  pass(world, 1000);
  const named = { TransitGatewayMulticastDomainId: domain?.TransitGatewayMulticastDomainId };
  call(world, 'AssociateTransitGatewayMulticastDomain', { ...named, TransitGatewayAttachmentId, SubnetIds });
  call(world, 'RegisterTransitGatewayMulticastGroupMembers', {
    ...named,
    GroupIpAddress: GROUP,
    NetworkInterfaceIds: [pair.b.eni, pair.workload.eni],
  });
  pass(world, 1000);
  const heard: string[] = [];
  for (const { instance } of [pair.a, pair.b, pair.workload]) {
    const endpoint = present(endpointOf(world, instance), instance);
    must(
      bindUdp(
        endpoint,
        5000,
        (from, data, at) => void heard.push(`${instance} ${from.address} ${at} ${data}`),
      ),
    );
  }
  const sender = present(endpointOf(world, pair.a.instance), 'a');
  must(sendUdp(sender, { to: GROUP, port: 5000, fromPort: 5001, data: Uint8Array.of(7) }));
  pass(world, 1000);
  const told = `${pair.a.address} ${GROUP} 7`;
  expect(heard.sort()).toEqual([`${pair.b.instance} ${told}`, `${pair.workload.instance} ${told}`].sort());
  const traced = must(
    tracePacket(world, { from: pair.a.instance, to: GROUP, protocol: 'udp', port: 5000, both: true }),
  );
  expect([traced.copies?.length, traced.answer]).toEqual([2, undefined]);
  expect(describeTrace(traced).match(/^Copy \d:|^DELIVERED to .*/gm)).toEqual([
    'Copy 1:',
    `DELIVERED to ${pair.b.instance}`,
    'Copy 2:',
    `DELIVERED to ${pair.workload.instance}`,
  ]);
});
