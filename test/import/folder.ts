/** What a world answers, saved as an account would be, and imported. Not a test itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { present } from '../../controller/base/result.ts';
import { handle } from '../../sim/ec2/service.ts';
import type { ServiceName } from '../../sim/ec2/shape.ts';
import { importDocuments } from '../../sim/import/import.ts';
import { readFolder } from '../../sim/server/import-source.ts';
import { advance } from '../../sim/world/kernel.ts';
import { restoreWorld } from '../../sim/world/saved.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { ACCOUNT, REGION } from '../world/pair.ts';
import { answersOf } from '../world/rich.ts';

type Answer = Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;

function ask(world: World, action: string, input: object, service: ServiceName = 'ec2'): Answer {
  const request = { account: ACCOUNT, region: REGION, service, action, input } as const;
  const reply = handle(world.api.cloud, request, world.now);
  if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}`);
  return reply.output as Answer;
}

/** What is asked for one by one: `list.member` in an answer, the parameter that takes it, and the calls. */
const DETAILS: readonly (readonly [string, string, readonly (readonly [string, object])[]])[] = [
  ['PrefixLists.PrefixListId', 'PrefixListId', [['GetManagedPrefixListEntries', {}]]],
  ['LaunchTemplates.LaunchTemplateId', 'LaunchTemplateId', [['DescribeLaunchTemplateVersions', {}]]],
  [
    'TransitGatewayRouteTables.TransitGatewayRouteTableId',
    'TransitGatewayRouteTableId',
    [
      ['SearchTransitGatewayRoutes', { Filters: [{ Name: 'type', Values: ['static', 'propagated'] }] }],
      ['GetTransitGatewayRouteTablePropagations', {}],
    ],
  ],
  [
    'TransitGatewayMulticastDomains.TransitGatewayMulticastDomainId',
    'TransitGatewayMulticastDomainId',
    [
      ['GetTransitGatewayMulticastDomainAssociations', {}],
      ['SearchTransitGatewayMulticastGroups', {}],
    ],
  ],
  [
    'RouteServers.RouteServerId',
    'RouteServerId',
    [
      ['GetRouteServerAssociations', {}],
      ['GetRouteServerPropagations', {}],
      ['GetRouteServerRoutingDatabase', {}],
    ],
  ],
  ['ServiceConfigurations.ServiceId', 'ServiceId', [['DescribeVpcEndpointServicePermissions', {}]]],
  [
    'Vpcs.VpcId',
    'VpcId',
    [
      ['DescribeVpcAttribute', { Attribute: 'enableDnsSupport' }],
      ['DescribeVpcAttribute', { Attribute: 'enableDnsHostnames' }],
    ],
  ],
];

/** Saves what a world answers, a file for each call, as a shell loop over the AWS CLI would; the folder. */
export function saveAll(world: World, folder: string): string {
  const place = join(folder, ACCOUNT, REGION);
  mkdirSync(place, { recursive: true });
  let files = 0;
  const save = (name: string, value: unknown): void =>
    writeFileSync(join(place, `${files++} ${name}.json`), JSON.stringify(value, undefined, 4));
  const answers = answersOf(world) as Readonly<Record<string, Answer>>;
  for (const [action, answer] of Object.entries(answers)) save(action, answer);
  for (const [path, parameter, calls] of DETAILS) {
    const [list = '', member = ''] = path.split('.');
    const ids = Object.values(answers).flatMap((answer) => (answer[list] ?? []).map((each) => each[member]));
    for (const id of ids) {
      for (const [action, more] of calls) {
        save(`${action} ${id}`, ask(world, action, { ...more, [parameter]: id }));
      }
    }
  }
  saveBalancers(world, save);
  return folder;
}

/** What Elastic Load Balancing answers; its answers do not say which resource they are about. */
function saveBalancers(world: World, save: (name: string, value: unknown) => void): void {
  const call = (action: string, input: object): Answer => ask(world, action, input, 'elasticloadbalancing');
  const arns = (answer: Answer, list: string, name: string): readonly string[] =>
    (answer[list] ?? []).map((each) => present(each[name], name));
  const detail = (what: string, member: string, arn: string): void => {
    const end = arn.slice(arn.lastIndexOf('/') + 1);
    save(`${what} of ${end}`, call(what, { [member]: arn }));
    save('tags', call('DescribeTags', { ResourceArns: [arn] }));
  };
  const balancers = call('DescribeLoadBalancers', {});
  save('load balancers', balancers);
  for (const LoadBalancerArn of arns(balancers, 'LoadBalancers', 'LoadBalancerArn')) {
    detail('DescribeLoadBalancerAttributes', 'LoadBalancerArn', LoadBalancerArn);
    const listeners = call('DescribeListeners', { LoadBalancerArn });
    save('listeners', listeners);
    for (const arn of arns(listeners, 'Listeners', 'ListenerArn')) {
      detail('DescribeListenerAttributes', 'ListenerArn', arn);
    }
  }
  const groups = call('DescribeTargetGroups', {});
  save('target groups', groups);
  for (const arn of arns(groups, 'TargetGroups', 'TargetGroupArn')) {
    detail('DescribeTargetGroupAttributes', 'TargetGroupArn', arn);
    save(
      `health ${arn.slice(arn.lastIndexOf('/') + 1)}`,
      call('DescribeTargetHealth', { TargetGroupArn: arn }),
    );
  }
}

/** A world of the descriptions in a folder. */
export function importFolder(place: string) {
  const imported = importDocuments(readFolder(place));
  const world = createWorld({ run: 1 });
  restoreWorld(world, imported.changes);
  advance(world, world.now);
  return { world, ...imported };
}
