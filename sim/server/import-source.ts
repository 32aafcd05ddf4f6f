/** Where descriptions come from: a folder of files, or the API of a live account, which is only read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  DescribeAddressesCommand,
  DescribeCustomerGatewaysCommand,
  DescribeDhcpOptionsCommand,
  DescribeEgressOnlyInternetGatewaysCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkAclsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteServerEndpointsCommand,
  DescribeRouteServerPeersCommand,
  DescribeRouteServersCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeTransitGatewayAttachmentsCommand,
  DescribeTransitGatewayConnectPeersCommand,
  DescribeTransitGatewayConnectsCommand,
  DescribeTransitGatewayMulticastDomainsCommand,
  DescribeTransitGatewayRouteTablesCommand,
  DescribeTransitGatewaysCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DescribeVolumesCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
  DescribeVpcEndpointServicePermissionsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpcsCommand,
  DescribeVpnConnectionsCommand,
  DescribeVpnGatewaysCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
  GetRouteServerAssociationsCommand,
  GetRouteServerPropagationsCommand,
  GetRouteServerRoutingDatabaseCommand,
  GetTransitGatewayMulticastDomainAssociationsCommand,
  GetTransitGatewayRouteTablePropagationsCommand,
  SearchTransitGatewayMulticastGroupsCommand,
  SearchTransitGatewayRoutesCommand,
} from '@aws-sdk/client-ec2';
import {
  DescribeListenerAttributesCommand,
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Document, parseDocuments } from '../import/import.ts';

/** Whose descriptions these are, where neither paths nor the descriptions say so. */
export interface Owner {
  readonly account?: string;
  readonly region?: string;
}

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;
const NOBODY = '000000000000';

/** The most frequent match of a pattern's group in the texts. */
function mostFrequent(texts: readonly string[], pattern: RegExp): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [, found = ''] of text.matchAll(pattern)) counts.set(found, (counts.get(found) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/**
 * The answers in the `.json` files of a folder and those below it. A folder is one region of one account: as
 * its path says (`123456789012/eu-central-1`), or `owner`, or what most of its descriptions say.
 */
export function readFolder(folder: string, owner: Owner = {}): readonly Document[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort();
  if (files.length === 0)
    throw new Error(`There is no .json file in ${folder}; save what aws ec2 describe-* prints.`);
  const byPlace = new Map<string, { readonly name: string; readonly text: string }[]>();
  for (const name of files) {
    const place = name.split(sep).slice(0, -1).join(sep);
    const file = { name, text: readFileSync(join(folder, name), 'utf8') };
    byPlace.set(place, [...(byPlace.get(place) ?? []), file]);
  }
  return [...byPlace].flatMap(([place, found]) => {
    const steps = relative('', join(folder, place)).split(sep).reverse();
    const texts = found.map(({ text }) => text);
    const account =
      owner.account ??
      steps.find((step) => /^\d{12}$/.test(step)) ??
      mostFrequent(texts, /"OwnerId"\s*:\s*"(\d{12})"/g) ??
      NOBODY;
    const region =
      owner.region ??
      steps.find((step) => REGION.test(step)) ??
      mostFrequent(texts, /"AvailabilityZone"\s*:\s*"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]"/g) ??
      'us-east-1';
    return found.flatMap(({ name, text }) => {
      const values = parseDocuments(text);
      if (!values.ok) throw new Error(`${join(folder, name)} cannot be read: ${values.error}`);
      return values.value.map((value) => ({ name, account, region, value }));
    });
  });
}

const describes = [
  DescribeVpcsCommand,
  DescribeSubnetsCommand,
  DescribeRouteTablesCommand,
  DescribeInternetGatewaysCommand,
  DescribeEgressOnlyInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeNetworkAclsCommand,
  DescribeManagedPrefixListsCommand,
  DescribeDhcpOptionsCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplatesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpnGatewaysCommand,
  DescribeCustomerGatewaysCommand,
  DescribeVpnConnectionsCommand,
  DescribeTransitGatewaysCommand,
  DescribeTransitGatewayAttachmentsCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DescribeTransitGatewayRouteTablesCommand,
  DescribeTransitGatewayConnectsCommand,
  DescribeTransitGatewayConnectPeersCommand,
  DescribeTransitGatewayMulticastDomainsCommand,
  DescribeRouteServersCommand,
  DescribeRouteServerEndpointsCommand,
  DescribeRouteServerPeersCommand,
] as const;

/** A call by its class; the members that it needs beside the token of the page. */
type Command = new (input: never) => object;

interface Page {
  readonly $metadata?: object;
  readonly NextToken?: string;
  readonly NextMarker?: string;
}

/** Makes a call, and keeps each page of its answer under a name. */
type Call = (name: string, command: Command, input: object) => Promise<void>;

interface Answers {
  readonly named: readonly { readonly name: string; readonly value: unknown }[];
  readonly call: Call;
  /** The members `name` of all items of a list in what was answered so far. */
  readonly ids: (list: string, name: string) => readonly string[];
}

function answersOf(client: { readonly send: (command: never) => Promise<unknown> }): Answers {
  const named: { name: string; value: unknown }[] = [];
  const call: Call = async (name, command, input) => {
    let next: object | undefined = {};
    while (next !== undefined) {
      const { $metadata: _, ...page } = (await client.send(
        new command({ ...input, ...next } as never) as never,
      )) as Page;
      named.push({ name, value: page });
      const { NextToken, NextMarker } = page;
      next = NextToken ? { NextToken } : NextMarker ? { Marker: NextMarker } : undefined;
    }
  };
  const ids: Answers['ids'] = (list, name) =>
    named.flatMap(({ value }) => {
      const items = (value as Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>)[list];
      return (items ?? []).map((item) => item[name] ?? '');
    });
  return { named, call, ids };
}

/** Describes what Elastic Load Balancing has. */
async function readBalancers({ call, ids }: Answers): Promise<void> {
  await call('load balancers', DescribeLoadBalancersCommand, {});
  await call('target groups', DescribeTargetGroupsCommand, {});
  for (const LoadBalancerArn of ids('LoadBalancers', 'LoadBalancerArn')) {
    await call(`attributes ${LoadBalancerArn}`, DescribeLoadBalancerAttributesCommand, { LoadBalancerArn });
    await call('listeners', DescribeListenersCommand, { LoadBalancerArn });
  }
  for (const ListenerArn of ids('Listeners', 'ListenerArn')) {
    // Its ARN has that of its load balancer in it: the end alone says which it is.
    const name = `attributes ${ListenerArn.slice(ListenerArn.lastIndexOf('/'))}`;
    await call(name, DescribeListenerAttributesCommand, { ListenerArn });
  }
  for (const TargetGroupArn of ids('TargetGroups', 'TargetGroupArn')) {
    await call(`attributes ${TargetGroupArn}`, DescribeTargetGroupAttributesCommand, { TargetGroupArn });
    await call(`health ${TargetGroupArn}`, DescribeTargetHealthCommand, { TargetGroupArn });
  }
  const arns = [
    ...ids('LoadBalancers', 'LoadBalancerArn'),
    ...ids('Listeners', 'ListenerArn'),
    ...ids('TargetGroups', 'TargetGroupArn'),
  ];
  for (const arn of arns) await call('tags', DescribeTagsCommand, { ResourceArns: [arn] });
}

/** Describes what hangs on transit gateways and route servers, and is asked for one by one. */
async function readRouting({ call, ids }: Answers): Promise<void> {
  for (const id of ids('TransitGatewayRouteTables', 'TransitGatewayRouteTableId')) {
    const table = { TransitGatewayRouteTableId: id };
    const Filters = [{ Name: 'type', Values: ['static', 'propagated'] }];
    await call(`routes ${id}`, SearchTransitGatewayRoutesCommand, { ...table, Filters });
    await call(`propagations ${id}`, GetTransitGatewayRouteTablePropagationsCommand, table);
  }
  for (const id of ids('TransitGatewayMulticastDomains', 'TransitGatewayMulticastDomainId')) {
    const domain = { TransitGatewayMulticastDomainId: id };
    await call(`associations ${id}`, GetTransitGatewayMulticastDomainAssociationsCommand, domain);
    await call(`groups ${id}`, SearchTransitGatewayMulticastGroupsCommand, domain);
  }
  for (const RouteServerId of ids('RouteServers', 'RouteServerId')) {
    const server = { RouteServerId };
    await call(`associations ${RouteServerId}`, GetRouteServerAssociationsCommand, server);
    await call(`propagations ${RouteServerId}`, GetRouteServerPropagationsCommand, server);
    await call(`database ${RouteServerId}`, GetRouteServerRoutingDatabaseCommand, server);
  }
}

async function readNetwork({ call, ids }: Answers): Promise<void> {
  for (const command of describes) await call(command.name, command as Command, {});
  for (const id of ids('PrefixLists', 'PrefixListId')) {
    await call(`entries ${id}`, GetManagedPrefixListEntriesCommand, { PrefixListId: id });
  }
  for (const id of ids('LaunchTemplates', 'LaunchTemplateId')) {
    await call(`versions ${id}`, DescribeLaunchTemplateVersionsCommand, { LaunchTemplateId: id });
  }
  for (const ServiceId of ids('ServiceConfigurations', 'ServiceId')) {
    await call(`permissions ${ServiceId}`, DescribeVpcEndpointServicePermissionsCommand, { ServiceId });
  }
  for (const VpcId of ids('Vpcs', 'VpcId')) {
    for (const Attribute of ['enableDnsSupport', 'enableDnsHostnames']) {
      await call(`attribute ${VpcId}`, DescribeVpcAttributeCommand, { VpcId, Attribute });
    }
  }
}

/** Describes the account of the environment's credentials; every call only reads. */
export async function readLive(
  options: Owner & { readonly endpoint?: string },
): Promise<readonly Document[]> {
  const { endpoint, region } = options;
  const at = { ...(endpoint && { endpoint }), ...(region && { region }) };
  const [ec2, elb] = [new EC2Client(at), new ElasticLoadBalancingV2Client(at)];
  try {
    const [network, balancing] = [answersOf(ec2), answersOf(elb)];
    await readNetwork(network);
    await readRouting(network);
    await readBalancers(balancing);
    const place = {
      account: options.account ?? network.ids('Vpcs', 'OwnerId')[0] ?? NOBODY,
      region: await ec2.config.region(),
    };
    return [...network.named, ...balancing.named].map((each) => ({ ...place, ...each }));
  } finally {
    ec2.destroy();
    elb.destroy();
  }
}
