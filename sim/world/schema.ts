/** How the programs of machines are written in JSON: in world files and in requests to the control API. */
import { z } from 'zod';
import { parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { QUOTA_NAMES, type Quotas } from '../ec2/settings.ts';

const port = z.int().min(1).max(65_535);

export const service = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['udp-echo', 'tcp-echo']), port }),
  z.strictObject({
    kind: z.literal('http'),
    port,
    status: z.int().min(200).max(599).default(200),
    body: z.string().default('ok\n'),
  }),
]);

/** `169.254.6.1/29`: an address and the length of its prefix. */
const inside = z.string().refine((text) => parsePrefix(text, 'clear').ok, 'is not ADDRESS/LENGTH');

const tunnel = z.strictObject({
  kind: z.enum(['gre', 'ipsec']).exactOptional(),
  remote: z.string().refine((text) => parseAddress(text).ok && !text.includes(':'), 'is no IPv4 address'),
  inside: z.array(inside).min(1),
  device: z.int().min(0).max(14).exactOptional(),
});

export const profile = z.strictObject({
  /** `router` forwards; `nat` also masquerades what leaves through device 0. */
  role: z.enum(['host', 'router', 'nat', 'geneve']).default('host'),
  services: z.array(service).default([]),
  /** Of `nat`: blocks from which packets to elsewhere are masqueraded; all packets where absent. */
  translates: z.array(z.string().refine((text) => parsePrefix(text).ok, 'is no CIDR block')).exactOptional(),
  tunnels: z.array(tunnel).exactOptional(),
  overlay: z.array(z.string().refine((text) => parseAddress(text).ok, 'is no address')).exactOptional(),
});

/** Some quotas. */
export const quotas = z
  .strictObject(Object.fromEntries(QUOTA_NAMES.map((name) => [name, z.int().min(0).exactOptional()])))
  .transform((given) => given as Partial<Quotas>);
