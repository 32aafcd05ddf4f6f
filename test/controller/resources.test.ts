/** Groups that own several kinds of things: what is moved before what, and that nothing is left between. */
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../controller/config.ts';
import { design, die } from './designs.ts';
import { ADDRESS, api, eipAt, holderOf, type Moved, moved, transitOwner } from './moved.ts';
import { addDaemon, type Daemon, ec2, type Fault, run, texts } from './stage.ts';

type Group = NonNullable<ConfigInput['groups']>[number];

/** Both daemons, after they have looked around; a owns all that there is. */
function start(made: Moved, owns: Partial<Group>): { readonly a: Daemon; readonly b: Daemon; until: number } {
  const [a, b] = (['a', 'b'] as const).map((name) => addDaemon(made.stage, made.owning(name, owns)));
  const until = made.stage.now + 5000;
  run(made.stage, until);
  if (a === undefined || b === undefined) throw new Error('two daemons');
  return { a, b, until };
}

const kinds = ({ stage }: Moved): string[] => stage.writes.map(({ call }) => call.kind);

/** Everything that a group can own without an ENI. */
const allOf = (made: Moved): Partial<Group> => ({
  addresses: [ADDRESS],
  eips: [{ allocation: made.addressEip, address: ADDRESS }, { allocation: made.eip }],
  routes: [{ table: made.tables[0] ?? '', destinations: ['0.0.0.0/0'] }],
  transitRoutes: [{ table: made.transitTable, destinations: ['0.0.0.0/0'], direction: 'return' }],
});

describe('a group of an ENI and routes', () => {
  const pair = () => {
    const made = design({ kind: 'eni' });
    const { stage, enis } = made;
    const [table = ''] = made.tables;
    const route = { RouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
    ec2(stage, 'ReplaceRoute', { ...route, NetworkInterfaceId: enis.a });
    const routes: Group['routes'] = [{ table, destinations: ['0.0.0.0/0'] }];
    for (const name of ['a', 'b']) addDaemon(stage, made.config(name, { routes }));
    run(stage, 5000);
    return made;
  };

  it('moves the ENI first, and the routes when it is seen to be attached', () => {
    const made = pair();
    const { stage, owner } = made;
    die(made, 'a');
    run(stage, 60_000);
    expect(stage.writes.map(({ call }) => call.kind)).toEqual([
      'detach-network-interface',
      'attach-network-interface',
      'replace-route',
    ]);
    expect(owner()).toBe('b');
    const b = stage.daemons.get('b');
    expect(b === undefined ? [] : texts(b, 'moved').join()).toContain('all of it is with b');
  });

  it('leads nothing to an owner that did not get the ENI', () => {
    const made = pair();
    const { stage } = made;
    stage.faults.push({ kind: 'attach-network-interface', times: 1000, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(stage, 30_000);
    expect(stage.writes.map(({ call }) => call.kind)).not.toContain('replace-route');
  });
});

describe('a group of an address, Elastic IPs, routes and transit gateway routes', () => {
  it('moves all of it, in the order that is stated, each stage when the one before is seen', () => {
    const made = moved();
    const { b, until } = start(made, allOf(made));
    die(made, 'a');
    run(made.stage, until + 20_000);
    // The Elastic IP of the address has come with it.
    expect(kinds(made)).toEqual([
      'assign-private-ip-addresses',
      'associate-address',
      'replace-transit-gateway-route',
      'replace-route',
    ]);
    expect(holderOf(made, ADDRESS)).toBe('b');
    expect([made.addressEip, made.eip].map((one) => eipAt(made, one))).toEqual([
      `b ${ADDRESS}`,
      'b 10.0.0.11',
    ]);
    expect([transitOwner(made), made.owner()]).toEqual(['b', 'b']);
    expect(texts(b, 'moved').join()).toContain('all of it is with b');
    expect(b.node.groups.g).toMatchObject({ owner: 'b', announced: true });
  });

  it('sets up the guest for the address, and clears the other', () => {
    const made = moved();
    const { a, b, until } = start(made, { addresses: [ADDRESS] });
    expect(a.guest).toMatchObject([{ kind: 'address-add', address: ADDRESS, length: 32 }]);
    ec2(made.stage, 'AssignPrivateIpAddresses', {
      NetworkInterfaceId: made.enis.b,
      PrivateIpAddresses: [ADDRESS],
      AllowReassignment: true,
    });
    run(made.stage, until + 20_000);
    expect(a.guest.at(-1)).toMatchObject({ kind: 'address-remove', address: ADDRESS });
    expect(b.guest).toMatchObject([{ kind: 'address-add', address: ADDRESS }]);
    expect(made.stage.writes).toEqual([]);
  });

  it('puts the address into the guest when EC2 is told, before it answers', () => {
    const made = moved();
    const { b, until } = start(made, { addresses: [ADDRESS] });
    die(made, 'a');
    run(made.stage, until + 20_000, () => b.guest.length > 0);
    expect(b.guest).toMatchObject([{ kind: 'address-add', address: ADDRESS }]);
    expect(b.node.groups.g).toMatchObject({ owner: 'a', announced: false });
    expect(holderOf(made, ADDRESS)).toBe('a');
    run(made.stage, until + 20_000);
    expect(holderOf(made, ADDRESS)).toBe('b');
    expect(b.guest.map(({ kind }) => kind)).not.toContain('address-remove');
  });

  it('leads nothing to an owner whose Elastic IP is refused; its guest gives the address back with it', () => {
    const made = moved();
    const { b, until } = start(made, allOf(made));
    made.stage.faults.push({ kind: 'associate-address', times: 1000, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(made.stage, until + 20_000);
    expect(new Set(kinds(made))).toEqual(new Set(['assign-private-ip-addresses', 'associate-address']));
    expect(b.guest.map(({ kind }) => kind)).toEqual(['address-add']);
    ec2(made.stage, 'AssignPrivateIpAddresses', {
      NetworkInterfaceId: made.enis.a,
      PrivateIpAddresses: [ADDRESS],
      AllowReassignment: true,
    });
    run(made.stage, until + 32_000, () => b.guest.length > 1);
    expect(b.guest.map(({ kind }) => kind)).toEqual(['address-add', 'address-remove']);
  });

  it('leaves what serves somebody else as it is', () => {
    const made = moved();
    const subnet = api(made.stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [made.enis.a] })
      .NetworkInterfaces?.[0]?.SubnetId;
    const other = api(made.stage, 'CreateNetworkInterface', { SubnetId: subnet }).NetworkInterface
      ?.NetworkInterfaceId;
    ec2(made.stage, 'AssignPrivateIpAddresses', {
      NetworkInterfaceId: other,
      PrivateIpAddresses: [ADDRESS],
      AllowReassignment: true,
    });
    ec2(made.stage, 'AssociateAddress', { AllocationId: made.eip, NetworkInterfaceId: other });
    const { b, until } = start(made, { addresses: [ADDRESS], eips: [{ allocation: made.eip }] });
    die(made, 'a');
    run(made.stage, until + 20_000);
    expect(made.stage.writes).toEqual([]);
    expect(texts(b, 'decision').at(-1)).toContain(`${ADDRESS} is an address of ${other}`);
  });
});

/** The first writes of each kind that are unanswered or refused, and what is moved by them. */
const TROUBLES = ['lost', 'applied', 'throttle', 'late'] as const;
const SINGLE = [
  ['assign-private-ip-addresses', () => ({ addresses: [ADDRESS] })],
  ['associate-address', ({ eip }: Moved) => ({ eips: [{ allocation: eip }] })],
  [
    'replace-transit-gateway-route',
    ({ transitTable: table }: Moved) => ({ transitRoutes: [{ table, destinations: ['0.0.0.0/0'] }] }),
  ],
] as const;

describe.each(SINGLE)('%s', (kind, owns) => {
  const ownerOf = (made: Moved): string | undefined =>
    kind === 'associate-address'
      ? eipAt(made, made.eip).slice(0, 1)
      : kind === 'replace-transit-gateway-route'
        ? transitOwner(made)
        : holderOf(made, ADDRESS);

  it.each(TROUBLES)('whose outcome is %s is made good by looking', (how) => {
    const made = moved();
    const { b, until } = start(made, owns(made));
    const fault: Fault = how === 'late' ? { kind: 'late', afterMs: 3000 } : { kind: how };
    made.stage.faults.push({ kind, times: 1, fault });
    die(made, 'a');
    run(made.stage, until + 30_000);
    expect(ownerOf(made)).toBe('b');
    expect(b.node.groups.g).toMatchObject({ owner: 'b' });
    expect(b.node.groups.g?.operation).toBeUndefined();
    expect(made.stage.writes.length).toBeLessThan(5);
  });

  it('is seen and told when it is made by somebody else', () => {
    const made = moved();
    const { b, until } = start(made, owns(made));
    const [eni, attachment] = [made.enis.b ?? '', made.attachments.b];
    if (kind === 'associate-address')
      ec2(made.stage, 'AssociateAddress', { AllocationId: made.eip, NetworkInterfaceId: eni });
    else if (kind === 'assign-private-ip-addresses')
      ec2(made.stage, 'AssignPrivateIpAddresses', {
        NetworkInterfaceId: eni,
        PrivateIpAddresses: [ADDRESS],
        AllowReassignment: true,
      });
    else
      ec2(made.stage, 'ReplaceTransitGatewayRoute', {
        TransitGatewayRouteTableId: made.transitTable,
        DestinationCidrBlock: '0.0.0.0/0',
        TransitGatewayAttachmentId: attachment,
      });
    run(made.stage, until + 20_000);
    expect(made.stage.writes).toEqual([]);
    expect(texts(b, 'owned').at(-1)).toBe('This appliance owns g.');
  });
});

describe('an IPv6 address', () => {
  const pair = () => {
    const made = moved();
    const { stage, enis } = made;
    const seen = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis.a] })
      .NetworkInterfaces?.[0];
    const vpc = api(stage, 'AssociateVpcCidrBlock', {
      VpcId: seen?.VpcId,
      AmazonProvidedIpv6CidrBlock: true,
    });
    const block = vpc.Ipv6CidrBlockAssociation?.Ipv6CidrBlock ?? '';
    const range = (
      block === ''
        ? (api(stage, 'DescribeVpcs', { VpcIds: [seen?.VpcId] }).Vpcs?.[0]?.Ipv6CidrBlockAssociationSet?.[0]
            ?.Ipv6CidrBlock ?? '')
        : block
    ).replace('/56', '/64');
    ec2(stage, 'AssociateSubnetCidrBlock', { SubnetId: seen?.SubnetId, Ipv6CidrBlock: range });
    const address = range.replace('::/64', '::100');
    ec2(stage, 'AssignIpv6Addresses', { NetworkInterfaceId: enis.a, Ipv6Addresses: [address] });
    return { made, address, ...start(made, { addresses: [address] }) };
  };

  it('is taken from the one and given to the other', () => {
    const { made, address, until } = pair();
    die(made, 'a');
    run(made.stage, until + 20_000);
    expect(kinds(made)).toEqual(['unassign-ipv6-addresses', 'assign-ipv6-addresses']);
    expect(holderOf(made, address)).toBe('b');
  });

  it.each(['unassign-ipv6-addresses', 'assign-ipv6-addresses'] as const)(
    'gets there where %s is unanswered, applied or not',
    (kind) => {
      for (const how of ['lost', 'applied'] as const) {
        const { made, address, b, until } = pair();
        made.stage.faults.push({ kind, times: 1, fault: { kind: how } });
        die(made, 'a');
        run(made.stage, until + 30_000);
        expect(holderOf(made, address)).toBe('b');
        expect(b.node.groups.g).toMatchObject({ owner: 'b' });
      }
    },
  );
});
