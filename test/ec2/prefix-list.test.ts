import type {
  DescribeManagedPrefixListsResult,
  GetManagedPrefixListAssociationsResult,
  GetManagedPrefixListEntriesResult,
  ManagedPrefixList,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { name, refusal, type Site, site } from './site.ts';

type Answer = { readonly PrefixList: ManagedPrefixList };

const create = (at: Site, more: object = {}): string => {
  const wanted = { PrefixListName: 'branches', AddressFamily: 'IPv4', MaxEntries: 3, ...more };
  return name(at.call<Answer>('CreateManagedPrefixList', wanted).PrefixList.PrefixListId);
};

const one = (at: Site, id: string): ManagedPrefixList =>
  present(
    at.call<DescribeManagedPrefixListsResult>('DescribeManagedPrefixLists', { PrefixListIds: [id] })
      .PrefixLists?.[0],
    id,
  );

const entries = (at: Site, id: string, more: object = {}): readonly (string | undefined)[] =>
  at
    .call<GetManagedPrefixListEntriesResult>('GetManagedPrefixListEntries', { PrefixListId: id, ...more })
    .Entries?.map((entry) => entry.Cidr) ?? [];

describe('a managed prefix list', () => {
  it('has versions, and is modified only by who knows the current one', () => {
    const at = site();
    const id = create(at, { Entries: [{ Cidr: '192.0.2.9/24', Description: 'a' }] });
    expect(one(at, id)).toMatchObject({ State: 'create-complete', Version: 1, AddressFamily: 'IPv4' });
    const add = { PrefixListId: id, CurrentVersion: 1, AddEntries: [{ Cidr: '198.51.100.0/24' }] };
    at.call('ModifyManagedPrefixList', add);
    expect(one(at, id)).toMatchObject({ State: 'modify-complete', Version: 2 });
    expect(at.code('ModifyManagedPrefixList', add)).toBe('PrefixListVersionMismatch');
    const remove = { PrefixListId: id, CurrentVersion: 2, RemoveEntries: [{ Cidr: '192.0.2.0/24' }] };
    at.call('ModifyManagedPrefixList', remove);
    expect(entries(at, id)).toEqual(['198.51.100.0/24']);
    expect(entries(at, id, { TargetVersion: 1 })).toEqual(['192.0.2.0/24']);
    const back = { PrefixListId: id, PreviousVersion: 1, CurrentVersion: 3 };
    at.call('RestoreManagedPrefixListVersion', back);
    expect([entries(at, id), one(at, id).Version]).toEqual([['192.0.2.0/24'], 4]);
  });

  it('is visible while it changes and goes, and busy meanwhile', () => {
    const at = site({ prefixListMs: 1000 });
    const id = create(at);
    expect(one(at, id).State).toBe('create-in-progress');
    expect(at.code('DeleteManagedPrefixList', { PrefixListId: id })).toBe('IncorrectState');
    at.pass(1000);
    at.call('DeleteManagedPrefixList', { PrefixListId: id });
    expect(one(at, id).State).toBe('delete-in-progress');
    at.pass(1000);
    expect(at.code('DescribeManagedPrefixLists', { PrefixListIds: [id] })).toBe(
      'InvalidPrefixListID.NotFound',
    );
  });

  it('is a destination of routes, counts with its MaxEntries, and cannot go while it is used', () => {
    const at = site({ quotas: { routesPerTable: 4 } });
    const id = create(at);
    const route = { RouteTableId: at.table, DestinationPrefixListId: id };
    at.call('CreateRoute', { ...route, GatewayId: at.gateway });
    expect(at.routes().at(-1)).toMatchObject({ DestinationPrefixListId: id, GatewayId: at.gateway });
    const more = { RouteTableId: at.table, GatewayId: at.gateway };
    at.call('CreateRoute', { ...more, DestinationCidrBlock: '0.0.0.0/0' });
    expect(at.code('CreateRoute', { ...more, DestinationCidrBlock: '192.0.2.0/24' })).toBe(
      'RouteLimitExceeded',
    );
    expect(at.code('ModifyManagedPrefixList', { PrefixListId: id, MaxEntries: 4 })).toBe(
      'RouteLimitExceeded',
    );
    at.call('ReplaceRoute', { ...route, NetworkInterfaceId: at.eni(at.subnets[0]) });
    expect(at.code('DeleteManagedPrefixList', { PrefixListId: id })).toBe('DependencyViolation');
    expect(at.code('AssociateRouteTable', more)).toBe('InvalidParameterValue');
    at.call('DeleteRoute', route);
    at.call('DeleteManagedPrefixList', { PrefixListId: id });
    expect(at.code('CreateRoute', { ...route, GatewayId: at.gateway })).toBe('InvalidPrefixListID.NotFound');
  });

  it('says which tables and groups name it', () => {
    const at = site();
    const id = create(at);
    const users = (): readonly (string | undefined)[] =>
      at
        .call<GetManagedPrefixListAssociationsResult>('GetManagedPrefixListAssociations', {
          PrefixListId: id,
        })
        .PrefixListAssociations?.map((each) => each.ResourceId) ?? [];
    expect(users()).toEqual([]);
    const route = { RouteTableId: at.table, DestinationPrefixListId: id, GatewayId: at.gateway };
    at.call('CreateRoute', route);
    const { GroupId } = at.call<{ GroupId: string }>('CreateSecurityGroup', {
      ...{ VpcId: at.vpc, GroupName: 'branches', Description: 'd' },
    });
    const IpPermissions = [{ IpProtocol: '-1', PrefixListIds: [{ PrefixListId: id }] }];
    at.call('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions });
    expect(users().toSorted()).toEqual([at.table, GroupId].toSorted());
    at.call('RevokeSecurityGroupIngress', { GroupId, IpPermissions });
    expect(users()).toEqual([at.table]);
  });

  it('refuses what EC2 refuses', () => {
    const at = site({ quotas: { prefixLists: 1 } });
    const wanted = { PrefixListName: 'x', AddressFamily: 'IPv4', MaxEntries: 1 };
    const cases: readonly [object, RegExp][] = [
      [{ AddressFamily: 'IPv5' }, /^InvalidParameterValue/],
      [{ MaxEntries: 0 }, /^InvalidParameterValue/],
      [{ PrefixListName: 'com.amazonaws.mine' }, /^InvalidParameterValue/],
      [{ Entries: [{ Cidr: '::/0' }] }, /^InvalidParameterValue/],
      [{ Entries: [{ Cidr: '10.0.0.0/8' }, { Cidr: '11.0.0.0/8' }] }, /^PrefixListMaxEntriesExceeded/],
      [{ MaxEntries: 2, Entries: [{ Cidr: '10.0.0.0/8' }, { Cidr: '10.1.0.0/8' }] }, /already contains/],
    ];
    for (const [more, words] of cases) {
      expect(refusal(at, 'CreateManagedPrefixList', { ...wanted, ...more })).toMatch(words);
    }
    const PrefixListId = create(at);
    expect(refusal(at, 'CreateManagedPrefixList', wanted)).toMatch(/^PrefixListLimitExceeded/);
    const change = { PrefixListId, AddEntries: [{ Cidr: '10.0.0.0/8' }] };
    expect(refusal(at, 'ModifyManagedPrefixList', change)).toMatch(/^MissingParameter: .*currentVersion/);
    const absent = { PrefixListId, CurrentVersion: 1, RemoveEntries: [{ Cidr: '10.0.0.0/8' }] };
    expect(refusal(at, 'ModifyManagedPrefixList', absent)).toMatch(/does not contain/);
  });
});
