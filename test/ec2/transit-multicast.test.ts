/** Multicast domains through the EC2 API; what they carry is in test/vpc/multicast.test.ts. */
import type {
  CreateTransitGatewayMulticastDomainResult,
  CreateTransitGatewayResult,
  CreateTransitGatewayVpcAttachmentResult,
  DescribeTransitGatewayMulticastDomainsResult,
  GetTransitGatewayMulticastDomainAssociationsResult,
  SearchTransitGatewayMulticastGroupsResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

const GROUP = '239.1.1.1';

const createDomain = (at: Site, TransitGatewayId: string, Options: object = {}) =>
  at.call<CreateTransitGatewayMulticastDomainResult>('CreateTransitGatewayMulticastDomain', {
    TransitGatewayId,
    Options,
  }).TransitGatewayMulticastDomain;

const gateway = (at: Site, Options: object = { MulticastSupport: 'enable' }): string =>
  name(
    at.call<CreateTransitGatewayResult>('CreateTransitGateway', { Options }).TransitGateway?.TransitGatewayId,
  );

/** A domain with the first subnet of the site's VPC, and an ENI there. */
function scene(options: CloudOptions = {}, domainOptions: object = {}) {
  const at = site(options);
  const tgw = gateway(at);
  const attachment = name(
    at.call<CreateTransitGatewayVpcAttachmentResult>('CreateTransitGatewayVpcAttachment', {
      ...{ TransitGatewayId: tgw, VpcId: at.vpc, SubnetIds: [at.subnets[0]] },
    }).TransitGatewayVpcAttachment?.TransitGatewayAttachmentId,
  );
  const domain = name(createDomain(at, tgw, domainOptions)?.TransitGatewayMulticastDomainId);
  const named = { TransitGatewayMulticastDomainId: domain };
  const subnets = { ...named, TransitGatewayAttachmentId: attachment, SubnetIds: [at.subnets[0]] };
  at.call('AssociateTransitGatewayMulticastDomain', subnets);
  const eni = at.eni(at.subnets[0]);
  const group = { ...named, GroupIpAddress: GROUP, NetworkInterfaceIds: [eni] };
  return { at, tgw, attachment, domain, named, subnets, eni, group };
}

describe('multicast domains', () => {
  it('are found by filters, keep their gateway and attachment, and are shown as deleted for an hour', () => {
    const { at, tgw, attachment, domain, named, subnets } = scene();
    const find = (Name: string, Value: string) =>
      at
        .call<DescribeTransitGatewayMulticastDomainsResult>('DescribeTransitGatewayMulticastDomains', {
          Filters: [{ Name, Values: [Value] }],
        })
        .TransitGatewayMulticastDomains?.map((each) => each.State);
    expect(find('transit-gateway-id', tgw)).toEqual(['available']);
    expect(find('transit-gateway-multicast-domain-id', domain)).toEqual(['available']);
    expect(find('state', 'deleted')).toEqual([]);
    expect(at.code('DeleteTransitGatewayMulticastDomain', named)).toBe('IncorrectState');
    const deleteAttachment = { TransitGatewayAttachmentId: attachment };
    expect(refusal(at, 'DeleteTransitGatewayVpcAttachment', deleteAttachment)).toContain(domain);
    at.call('DisassociateTransitGatewayMulticastDomain', subnets);
    at.call('DeleteTransitGatewayVpcAttachment', deleteAttachment);
    expect(refusal(at, 'DeleteTransitGateway', { TransitGatewayId: tgw })).toContain(domain);
    at.call('DeleteTransitGatewayMulticastDomain', named);
    expect(find('state', 'deleted')).toEqual(['deleted']);
    at.call('DeleteTransitGateway', { TransitGatewayId: tgw });
    at.pass(3_600_000);
    expect(
      at.code('DescribeTransitGatewayMulticastDomains', { TransitGatewayMulticastDomainIds: [domain] }),
    ).toBe('InvalidTransitGatewayMulticastDomainId.NotFound');
  });

  it('are refused without MulticastSupport, with IGMP, and where there are too many', () => {
    const { at, tgw } = scene({ quotas: { multicastDomainsPerTransitGateway: 2 } });
    const create = (TransitGatewayId: string, Options: object = {}) =>
      at.code('CreateTransitGatewayMulticastDomain', { TransitGatewayId, Options });
    expect(create(gateway(at, {}))).toBe('InvalidParameterValue');
    expect(create(tgw, { Igmpv2Support: 'enable' })).toBe('UnsupportedOperation');
    expect(createDomain(at, tgw, { StaticSourcesSupport: 'enable' })?.Options).toMatchObject({
      StaticSourcesSupport: 'enable',
      Igmpv2Support: 'disable',
    });
    expect(create(tgw)).toBe('TransitGatewayMulticastDomainLimitExceeded');
  });

  it('have subnets of an attachment, each subnet in one domain', () => {
    const { at, tgw, attachment, named, subnets } = scene();
    const asked = at.call<GetTransitGatewayMulticastDomainAssociationsResult>(
      'GetTransitGatewayMulticastDomainAssociations',
      { ...named, Filters: [{ Name: 'subnet-id', Values: [at.subnets[0]] }] },
    );
    expect(asked.MulticastDomainAssociations).toMatchObject([
      {
        TransitGatewayAttachmentId: attachment,
        ResourceId: at.vpc,
        Subnet: { SubnetId: at.subnets[0], State: 'associated' },
      },
    ]);
    const other = { TransitGatewayMulticastDomainId: createDomain(at, tgw)?.TransitGatewayMulticastDomainId };
    const associate = (more: object) =>
      at.code('AssociateTransitGatewayMulticastDomain', { ...subnets, ...more });
    expect(associate(other)).toBe('Resource.AlreadyAssociated');
    const elsewhere = createDomain(at, gateway(at))?.TransitGatewayMulticastDomainId;
    expect(associate({ TransitGatewayMulticastDomainId: elsewhere })).toBe('InvalidParameterValue');
    const absent = { ...subnets, SubnetIds: [at.subnets[1]] };
    expect(at.code('DisassociateTransitGatewayMulticastDomain', absent)).toBe('InvalidAssociation.NotFound');
  });
});

describe('groups', () => {
  const search = (at: Site, named: object, Name: string, Value: string) =>
    at
      .call<SearchTransitGatewayMulticastGroupsResult>('SearchTransitGatewayMulticastGroups', {
        ...named,
        Filters: [{ Name, Values: [Value] }],
      })
      .MulticastGroups?.map(({ NetworkInterfaceId, GroupMember, GroupSource }) => {
        return `${NetworkInterfaceId} ${GroupMember} ${GroupSource}`;
      });

  it('have members and sources, which filters find and the data plane learns, until they leave', () => {
    const { at, named, group, eni, subnets } = scene({}, { StaticSourcesSupport: 'enable' });
    at.call('RegisterTransitGatewayMulticastGroupMembers', group);
    expect(search(at, named, 'is-group-source', 'true')).toEqual([]);
    at.call('RegisterTransitGatewayMulticastGroupSources', group);
    for (const [filter, value] of [
      ['group-ip-address', GROUP],
      ['is-group-member', 'true'],
      ['is-group-source', 'true'],
      ['member-type', 'static'],
      ['source-type', 'static'],
      ['resource-id', at.vpc],
      ['resource-type', 'vpc'],
      ['subnet-id', at.subnets[0]],
    ] as const) {
      expect(search(at, named, filter, value)).toEqual([`${eni} true true`]);
    }
    expect(takeChanges(at.cloud).at(-1)?.value).toMatchObject({
      members: [{ group: GROUP, eni }],
      sources: [{ group: GROUP, eni }],
      staticSources: true,
    });
    at.call('DeregisterTransitGatewayMulticastGroupMembers', group);
    expect(search(at, named, 'subnet-id', at.subnets[0])).toEqual([`${eni} false true`]);
    at.call('DisassociateTransitGatewayMulticastDomain', subnets);
    expect(search(at, named, 'group-ip-address', '*')).toEqual([]);
  });

  it('are refused for other addresses, other subnets, twice, and sources where anybody may send', () => {
    const { at, group } = scene();
    const register = (more: object = {}) =>
      at.code('RegisterTransitGatewayMulticastGroupMembers', { ...group, ...more });
    expect(register({ GroupIpAddress: '10.0.0.1' })).toBe('InvalidParameterValue');
    expect(register({ NetworkInterfaceIds: [at.eni(at.subnets[1])] })).toBe('InvalidParameterValue');
    expect(at.code('DeregisterTransitGatewayMulticastGroupMembers', group)).toBe('InvalidParameterValue');
    at.call('RegisterTransitGatewayMulticastGroupMembers', group);
    expect(register()).toBe('InvalidParameterValue');
    expect(at.code('RegisterTransitGatewayMulticastGroupSources', group)).toBe('InvalidParameterValue');
  });

  it('lose an ENI that is deleted', () => {
    const { at, named, group, eni } = scene();
    at.call('RegisterTransitGatewayMulticastGroupMembers', group);
    at.call('DeleteNetworkInterface', { NetworkInterfaceId: eni });
    expect(search(at, named, 'group-ip-address', GROUP)).toEqual([]);
  });
});
