/** The stack configuration: what it accepts, and what it says about what it refuses. */
import { describe, expect, it } from 'vitest';
import { architectureOf, stackConfig } from '../../infra/config.ts';

const NEEDED = { daemonUrl: 'https://example.com/byoa', daemonSha256: 'ab'.repeat(32) };
const from = (keys: Readonly<Record<string, string>>) => stackConfig((key) => ({ ...NEEDED, ...keys })[key]);

describe('stackConfig', () => {
  it('needs the daemon only', () => {
    expect(from({})).toEqual({
      design: 'egress-pair',
      cidr: '10.0.0.0/16',
      instanceType: 't3.micro',
      architecture: 'x86_64',
      daemon: { url: 'https://example.com/byoa', sha256: 'ab'.repeat(32) },
      probeTarget: '1.1.1.1',
      failback: 'never',
      fence: 'none',
      ipv6: false,
      workload: false,
      tags: {},
    });
  });

  it('reads every key', () => {
    const keys = {
      design: 'floating-eni',
      cidr: '10.9.0.0/20',
      zones: 'eu-central-1b',
      ami: 'ami-0123456789abcdef0',
      instanceType: 'c7gn.medium',
      probeTarget: '203.0.113.10',
      failback: '10m',
      leaseTable: 'byoa-leases',
      fence: 'stop-instance',
      ipv6: 'true',
      workload: 'true',
      endpoint: 'http://127.0.0.1:4566',
      tags: '{"team":"network"}',
    };
    expect(from(keys)).toMatchObject({
      design: 'floating-eni',
      zones: ['eu-central-1b'],
      ami: 'ami-0123456789abcdef0',
      architecture: 'arm64',
      failback: { after: '10m' },
      leaseTable: 'byoa-leases',
      fence: 'stop-instance',
      ipv6: true,
      workload: true,
      endpoint: 'http://127.0.0.1:4566',
      tags: { team: 'network' },
    });
  });

  it('takes zones as Pulumi stores a list', () => {
    expect(from({ zones: '["eu-central-1a", "eu-central-1c"]' }).zones).toEqual([
      'eu-central-1a',
      'eu-central-1c',
    ]);
  });

  it.each([
    ['design', 'star', /byoa:design of the stack is 'star'.*pulumi config set byoa:design egress-pair/],
    ['cidr', '10.0.0.0/28', /byoa:cidr .*between \/16 and \/24/],
    ['zones', 'eu-central-1a', /byoa:zones .*egress-pair needs 2 zone/],
    ['zones', 'eu-central-1a,eu-west-1b', /byoa:zones .*not of one region/],
    ['ami', 'debian', /byoa:ami .*ami-0123456789abcdef0/],
    ['instanceType', 'big', /byoa:instanceType .*not an instance type/],
    ['daemonUrl', 'ftp://x', /byoa:daemonUrl .*URL of the daemon/],
    ['daemonSha256', 'AB', /byoa:daemonSha256 .*SHA-256/],
    ['probeTarget', 'example.com', /byoa:probeTarget .*IPv4 address/],
    ['failback', 'soon', /byoa:failback .*10m/],
    ['leaseTable', 'a b', /byoa:leaseTable of the stack is 'a b'/],
    ['fence', 'detach-eni', /byoa:fence .*none or stop-instance/],
    ['fence', 'stop-instance', /byoa:leaseTable of the stack is not set: .*stop each other/],
    ['ipv6', 'yes', /byoa:ipv6 .*true or false/],
    ['endpoint', 'localhost', /byoa:endpoint .*URL/],
    ['tags', '[1]', /byoa:tags .*JSON object/],
    ['tags', '{"a":1}', /byoa:tags .*'a' is not text/],
    ['tags', '{"byoa:group":"x"}', /byoa:tags .*reserved/],
  ])('refuses %s = %s, and says how to mend it', (key, value, why) => {
    expect(() => from({ [key]: value })).toThrow(why);
  });

  it('says which key is missing', () => {
    expect(() => stackConfig(() => undefined)).toThrow(
      /byoa:daemonUrl of the stack is not set.*pulumi config set/,
    );
  });
});

it.each([
  ['t3.micro', 'x86_64'],
  ['t4g.micro', 'arm64'],
  ['c7gn.16xlarge', 'arm64'],
  ['m6gd.large', 'arm64'],
  ['a1.medium', 'arm64'],
  ['g4dn.xlarge', 'x86_64'],
  ['g5g.xlarge', 'arm64'],
  ['u-6tb1.112xlarge', 'x86_64'],
  ['c5n.18xlarge', 'x86_64'],
])('architectureOf %s is %s', (type, architecture) => {
  expect(architectureOf(type)).toBe(architecture);
});
