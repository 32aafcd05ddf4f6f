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
  DescribeRouteTablesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeTransitGatewayAttachmentsCommand,
  DescribeTransitGatewayRouteTablesCommand,
  DescribeTransitGatewaysCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DescribeVolumesCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpcsCommand,
  DescribeVpnConnectionsCommand,
  DescribeVpnGatewaysCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
  GetTransitGatewayRouteTablePropagationsCommand,
  SearchTransitGatewayRoutesCommand,
} from '@aws-sdk/client-ec2';
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
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpnGatewaysCommand,
  DescribeCustomerGatewaysCommand,
  DescribeVpnConnectionsCommand,
  DescribeTransitGatewaysCommand,
  DescribeTransitGatewayAttachmentsCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DescribeTransitGatewayRouteTablesCommand,
] as const;

/** A call by its class; the members that it needs beside the token of the page. */
type Command = new (input: never) => object;

interface Page {
  readonly $metadata?: object;
  readonly NextToken?: string;
}

/** All pages of a call. */
async function pages(client: EC2Client, command: Command, input: object): Promise<readonly Page[]> {
  const found: Page[] = [];
  let token: string | undefined;
  do {
    const wanted = { ...input, ...(token !== undefined && { NextToken: token }) };
    const { $metadata: _, ...page } = (await client.send(new command(wanted as never) as never)) as Page;
    found.push(page);
    token = page.NextToken;
  } while (token);
  return found;
}

const idsIn = (values: readonly unknown[], list: string, name: string): readonly string[] =>
  values.flatMap((value) => {
    const items = (value as Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>)[list];
    return (items ?? []).map((item) => item[name] ?? '');
  });

/** Describes the account of the environment's credentials; every call only reads. */
export async function readLive(
  options: Owner & { readonly endpoint?: string },
): Promise<readonly Document[]> {
  const { endpoint, region } = options;
  const client = new EC2Client({ ...(endpoint && { endpoint }), ...(region && { region }) });
  try {
    const named: { name: string; value: unknown }[] = [];
    const call = async (name: string, command: Command, input: object): Promise<void> => {
      for (const value of await pages(client, command, input)) named.push({ name, value });
    };
    for (const command of describes) await call(command.name, command as Command, {});
    const values = named.map(({ value }) => value);
    for (const id of idsIn(values, 'PrefixLists', 'PrefixListId')) {
      await call(`entries ${id}`, GetManagedPrefixListEntriesCommand, { PrefixListId: id });
    }
    for (const id of idsIn(values, 'TransitGatewayRouteTables', 'TransitGatewayRouteTableId')) {
      const table = { TransitGatewayRouteTableId: id };
      const Filters = [{ Name: 'type', Values: ['static', 'propagated'] }];
      await call(`routes ${id}`, SearchTransitGatewayRoutesCommand, { ...table, Filters });
      await call(`propagations ${id}`, GetTransitGatewayRouteTablePropagationsCommand, table);
    }
    for (const id of idsIn(values, 'LaunchTemplates', 'LaunchTemplateId')) {
      await call(`versions ${id}`, DescribeLaunchTemplateVersionsCommand, { LaunchTemplateId: id });
    }
    for (const VpcId of idsIn(values, 'Vpcs', 'VpcId')) {
      for (const Attribute of ['enableDnsSupport', 'enableDnsHostnames']) {
        await call(`attribute ${VpcId}`, DescribeVpcAttributeCommand, { VpcId, Attribute });
      }
    }
    const place = {
      account: options.account ?? idsIn(values, 'Vpcs', 'OwnerId')[0] ?? NOBODY,
      region: await client.config.region(),
    };
    return named.map((each) => ({ ...place, ...each }));
  } finally {
    client.destroy();
  }
}
