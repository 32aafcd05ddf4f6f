/** Subnets that exist and stand for those of a plan, by the names that the plan gives them. Pure. */
import { blocksOverlap } from './layout.ts';
import type { BroughtSubnet, Plan } from './plan.ts';

export type BroughtSubnets = Readonly<Record<string, BroughtSubnet>>;

const HEX = '[0-9a-f]{8,17}$';
const PATTERNS: Readonly<Record<keyof BroughtSubnet, RegExp>> = {
  id: new RegExp(`^subnet-${HEX}`),
  cidr: /^(\d{1,3}\.){3}\d{1,3}\/(1[6-9]|2[0-8])$/,
  table: new RegExp(`^rtb-${HEX}`),
};
const SHAPE = '{"id":"subnet-0123456789abcdef0","cidr":"10.0.16.0/20","table":"rtb-0123456789abcdef0"}';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function broughtSubnet(name: string, value: unknown): BroughtSubnet {
  const shape = `'${name}' must be like ${SHAPE}, of which table may be left out`;
  if (!isObject(value)) throw new Error(shape);
  for (const key of Object.keys(value))
    if (!Object.hasOwn(PATTERNS, key)) throw new Error(`'${key}' of '${name}' is unknown: ${shape}`);
  const text = (key: keyof BroughtSubnet): string => {
    const found = value[key];
    if (typeof found === 'string' && PATTERNS[key].test(found)) return found;
    throw new Error(`${key} of '${name}' is '${String(found)}': ${shape}`);
  };
  return { id: text('id'), cidr: text('cidr'), ...('table' in value && { table: text('table') }) };
}

/** What a stack says of them, as JSON; throws an error that says what is wrong. */
export function readBrought(json: unknown): BroughtSubnets {
  if (!isObject(json))
    throw new Error(`it must be a JSON object such as {"workload-eu-central-1a":${SHAPE}}`);
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, broughtSubnet(name, value)]));
}

/** The block of a subnet: its own where it exists, else what the layout gives it. */
export const blockOf = (
  { subnets = {} }: { readonly subnets?: BroughtSubnets },
  name: string,
  laidOut: () => string,
): string => subnets[name]?.cidr ?? laidOut();

/** The plan with the subnets that exist; throws where one stands for none of the plan. */
export function withBrought(plan: Plan, subnets: BroughtSubnets | undefined): Plan {
  if (subnets === undefined) return plan;
  // Of a VPC that exists: those without a gateway of their own are made with the design.
  const known = plan.vpcs
    .filter(({ isPrivate }) => isPrivate !== true)
    .flatMap((vpc) => vpc.subnets.map(({ name }) => name));
  const stranger = Object.keys(subnets).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new Error(`there is no subnet '${stranger}' in the design; it has ${known.join(', ')}`);
  const beside = Object.values(subnets)
    .map(({ cidr }) => cidr)
    .filter((cidr) => !plan.vpcs.some((vpc) => blocksOverlap(vpc.cidr, cidr)));
  return {
    ...plan,
    // Appliances hear and translate them, too, though they are not in the block that the design was given.
    inside: [...(plan.inside ?? plan.vpcs.map(({ cidr }) => cidr)), ...beside],
    vpcs: plan.vpcs.map((vpc) => ({
      ...vpc,
      ...(vpc.isPrivate === true ? {} : { admits: [...(vpc.admits ?? []), ...beside] }),
      subnets: vpc.subnets.map((subnet) => {
        const brought = subnets[subnet.name];
        return brought === undefined ? subnet : { ...subnet, brought };
      }),
    })),
  };
}
