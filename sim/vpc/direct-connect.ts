/**
 * Direct Connect: virtual interfaces between a site and a Direct Connect gateway, which leads to VPN gateways
 * or to transit gateways. A virtual interface that ends at a VPN gateway itself ends here at a Direct Connect
 * gateway of the same id. Nothing passes from one gateway behind it to another; from site to site only with
 * SiteLink. AWS Direct Connect User Guide, "Direct Connect gateways".
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { find } from './address-map.ts';
import { inCidr } from './cidr.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { flowHash, weightOf } from './flow-hash.ts';
import { destinationOf, type Header } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type {
  AssociationNode,
  AttachmentNode,
  CidrPeer,
  DirectConnectNode,
  LineNode,
  Place,
  SiteNode,
  VpcNode,
  VpnGatewayNode,
} from './nodes.ts';

/** The length of the longest of some blocks that has the destination; -1 where none has. */
function longestFor(blocks: readonly CidrPeer[], h: Header): number {
  let length = -1;
  for (const cidr of blocks) {
    if (cidr.family === h.family && cidr.length > length && inCidr(cidr, h, true)) ({ length } = cidr);
  }
  return length;
}

/** The length of the longest route that a virtual interface has for the destination; -1 without one. */
export const routeLength = ({ routes }: LineNode, h: Header): number => longestFor(routes, h);

/**
 * The virtual interface with the longest route for the destination; of equals the one that the flow is drawn
 * to most.
 */
export function lineFor(
  gateways: readonly DirectConnectNode[],
  h: Header,
  fits: (line: LineNode) => boolean = () => true,
): LineNode | undefined {
  let best: LineNode | undefined;
  let length = -1;
  let most = -1;
  const flow = flowHash(h);
  for (const { lines } of gateways) {
    for (const line of lines) {
      const own = routeLength(line, h);
      if (own < 0 || own < length || !fits(line)) continue;
      const weight = weightOf(flow, line.seed);
      if (own === length && weight <= most) continue;
      best = line;
      length = own;
      most = weight;
    }
  }
  return best;
}

/** Out over a virtual interface: TO_SITE with `h.site` and `h.line` set, or why not. */
function overLine(line: LineNode, h: Header): number {
  if (!line.up || line.site === undefined) return CODE.DX_DOWN;
  h.site = line.site.number;
  h.line = line;
  return CODE.TO_SITE;
}

/** The same from a place in a VPC, or from none, with the checks of the line's length, and said. */
export function throughLine(from: Place | undefined, line: LineNode, h: Header, recorder?: Recorder): number {
  const code = overLine(line, h);
  const tooLong = code === CODE.TO_SITE && from !== undefined ? checkLength(line.border, from, h) : 0;
  if (!recorder) return tooLong || code;
  const via = line.direct === undefined || line.direct.own !== undefined ? '' : `from ${line.direct.id} `;
  if (tooLong !== 0) record(recorder, h, 'direct-connect', line.id, whyTooLong(h));
  else if (code === CODE.TO_SITE) record(recorder, h, 'direct-connect', line.id, `${via}to ${line.site?.id}`);
  else {
    const decision = { kind: 'fault', objects: [line.id, line.direct?.id ?? ''] } as const;
    record(recorder, h, 'direct-connect', line.id, 'no BGP session of it is up: dropped', decision);
  }
  return tooLong || code;
}

/** Where what comes from a site over a virtual interface goes on. */
export type LineExit =
  | { readonly kind: 'vpc'; readonly gateway: VpnGatewayNode; readonly vpc: VpcNode }
  | { readonly kind: 'transit-gateway'; readonly attachment: AttachmentNode }
  /** By SiteLink. */
  | { readonly kind: 'line'; readonly line: LineNode };

interface LineEntrance {
  readonly line: LineNode;
  readonly exit: LineExit;
}

/** By which virtual interface of a site a packet comes in, and where it goes on; or the code of its end. */
export function entranceFrom(fabric: Fabric, { lines }: SiteNode, h: Header): LineEntrance | number {
  let code: number = CODE.DX_DOWN;
  let best: LineEntrance | undefined;
  let most = -1;
  const flow = flowHash(h);
  for (const line of lines) {
    if (!line.up) continue;
    const exit = exitOf(fabric, line, h);
    const weight = weightOf(flow, line.seed);
    if (typeof exit === 'number') code = exit;
    else if (weight > most) {
      best = { line, exit };
      most = weight;
    }
  }
  return best ?? code;
}

function exitOf(fabric: Fabric, line: LineNode, h: Header): LineExit | number {
  const { direct } = line;
  if (direct === undefined) return CODE.DX_NOT_ANNOUNCED;
  let code: number = CODE.DX_NOT_ANNOUNCED;
  let transit: AttachmentNode | undefined;
  let length = -1;
  for (const association of direct.associations) {
    const { attachment, vpnGateway, allowed } = association;
    const own = longestFor(allowed ?? [], h);
    if (attachment?.available === true && own > length) {
      transit = attachment;
      length = own;
    }
    if (vpnGateway?.vpc === undefined || !isAnnounced(association, h)) continue;
    if (hasAddress(fabric, vpnGateway.vpc, h))
      return { kind: 'vpc', gateway: vpnGateway, vpc: vpnGateway.vpc };
    code = CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
  }
  const { own: gateway } = direct;
  if (gateway?.vpc !== undefined) {
    if (hasAddress(fabric, gateway.vpc, h)) return { kind: 'vpc', gateway, vpc: gateway.vpc };
    code = CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
  }
  if (transit !== undefined) return { kind: 'transit-gateway', attachment: transit };
  const other = line.siteLink
    ? lineFor([direct], h, (each) => each.siteLink && each.up && each !== line)
    : undefined;
  return other === undefined ? code : { kind: 'line', line: other };
}

/** Whether the block of the VPC that has the destination is the same as one that is allowed, or inside it. */
function isAnnounced({ vpnGateway, allowed }: AssociationNode, h: Header): boolean {
  const blocks = (vpnGateway?.vpc?.cidrs ?? []).filter((cidr) => longestFor([cidr], h) >= 0);
  if (allowed === undefined) return blocks.length > 0;
  return blocks.some((block) =>
    allowed.some((each) => each.length <= block.length && longestFor([each], h) >= 0),
  );
}

const hasAddress = (fabric: Fabric, vpc: VpcNode, h: Header): boolean =>
  find(fabric.mapping, scopeOf(vpc, h.family), h.d0, h.d1, h.d2, h.d3) !== undefined;

/** Whether a packet ended at the virtual interfaces of its site. */
export const isOfLines = (code: number): boolean => code === CODE.DX_DOWN || code === CODE.DX_NOT_ANNOUNCED;

/** Why a packet gets no further than the virtual interfaces of its site. */
export function whyNotByLine(code: number, h: Header): string {
  const to = formatAddress(destinationOf(h));
  return code === CODE.DX_DOWN
    ? 'no BGP session over a virtual interface of the site is up: dropped'
    : `the Direct Connect gateway announces nothing that has ${to}: dropped`;
}

/** Whose fault that is. */
export const whoNotByLine = (code: number, { lines }: SiteNode): readonly string[] =>
  lines.flatMap(({ id, direct }) => (code === CODE.DX_DOWN ? [id] : [direct?.id ?? '', id]));
