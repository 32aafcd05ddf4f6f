/** A program that deploys every design of the catalog side by side, each in a VPC of its own. */
import { DESIGNS, type DesignName, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import { PROBED } from '../../sim/pulumi/design.ts';

const ZONES = ['eu-central-1a', 'eu-central-1b'];

const deployed = (name: DesignName) => {
  const { nodes, appliances, workloads, flows } = new COMPONENTS[name](name, {
    cidr: '10.0.0.0/16',
    zones: ZONES.slice(0, DESIGNS[name].zones.min),
    ami: 'ami-0123456789abcdef0',
    instanceType: 't3.micro',
    daemonUrl: 'https://example.com/byoa',
    daemonSha256: '0'.repeat(64),
    probeTargets: PROBED,
    ipv6: DESIGNS[name].keys.some((key) => key === 'ipv6'),
    workload: true,
  });
  return { nodes, appliances, workloads, flows };
};

export const library = async () => Object.fromEntries(NAMES.map((name) => [name, deployed(name)]));
