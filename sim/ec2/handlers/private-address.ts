/** Private addresses of ENIs: assign and unassign, IPv4 (with reassignment) and IPv6. */
import type {
  AssignIpv6AddressesRequest,
  AssignIpv6AddressesResult,
  AssignPrivateIpAddressesRequest,
  AssignPrivateIpAddressesResult,
  UnassignIpv6AddressesRequest,
  UnassignIpv6AddressesResult,
  UnassignPrivateIpAddressesRequest,
} from '@aws-sdk/client-ec2';
import { freeIpv4, freeIpv6, namedAddresses } from '../addressing.ts';
import { associateAddress } from '../elastic-address.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { checkAddressLimit } from '../network-interface.ts';
import { cutPublicAddress } from '../public-address.ts';
import type { AddressRecord, NetworkInterfaceRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';

const checkCount = (parameter: string, count: number): number =>
  Number.isInteger(count) && count >= 1 && count <= 256
    ? count
    : invalidValue(parameter, count, 'It must be a whole number from 1 to 256.');

/** Takes a secondary address from the ENI that has it; returns its Elastic IP, which moves with it. */
function takeAddress(tx: Tx, subnet: string, address: string): AddressRecord | undefined {
  const holder = tx.referring('network-interface', subnet).find((each) => each.ipv4.includes(address));
  if (holder === undefined) return undefined;
  if (holder.ipv4[0] === address) {
    refuse(
      'InvalidParameterValue',
      `[${address}] is the primary private IP address of ${holder.id} and cannot move.`,
    );
  }
  const pair = holder.publicAddresses.find((each) => each.private === address);
  const elastic = pair?.allocation === undefined ? undefined : tx.get('address', pair.allocation);
  cutPublicAddress(tx, holder.id, address);
  const left = tx.need('network-interface', holder.id);
  tx.put('network-interface', { ...left, ipv4: left.ipv4.filter((each) => each !== address) });
  return elastic;
}

function assignNamed(tx: Tx, eni: NetworkInterfaceRecord, texts: readonly string[], move: boolean): string[] {
  const subnet = tx.need('subnet', eni.subnet);
  const named = namedAddresses(tx, subnet, texts, 4, (address) => {
    if (!move && !eni.ipv4.includes(address)) {
      refuse('InvalidParameterValue', `[${address}] is assigned, but move is not allowed.`);
    }
    return true;
  });
  const fresh = named.filter((address) => !eni.ipv4.includes(address));
  const moved = fresh.map((address) => ({ address, elastic: takeAddress(tx, subnet.id, address) }));
  const changed = { ...eni, ipv4: [...eni.ipv4, ...fresh] };
  checkAddressLimit(tx, changed);
  tx.put('network-interface', changed);
  for (const { address, elastic } of moved) {
    if (elastic) associateAddress(tx, tx.need('address', elastic.id), eni.id, address);
  }
  return named;
}

function assign(tx: Tx, input: AssignPrivateIpAddressesRequest): AssignPrivateIpAddressesResult {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const { PrivateIpAddresses: texts, SecondaryPrivateIpAddressCount: count } = input;
  if (input.Ipv4Prefixes?.length || input.Ipv4PrefixCount) {
    refuse('UnsupportedOperation', 'Prefix delegation is not simulated; give addresses.');
  }
  if (texts?.length && count !== undefined) {
    const why = 'privateIpAddresses and secondaryPrivateIpAddressCount may not be specified together.';
    refuse('InvalidParameterCombination', why);
  }
  const addresses = texts?.length
    ? assignNamed(tx, eni, texts, input.AllowReassignment ?? false)
    : assignNamed(
        tx,
        eni,
        freeIpv4(
          tx,
          tx.need('subnet', eni.subnet),
          checkCount('secondaryPrivateIpAddressCount', count ?? missing('secondaryPrivateIpAddressCount')),
        ),
        false,
      );
  return {
    NetworkInterfaceId: eni.id,
    AssignedPrivateIpAddresses: addresses.map((PrivateIpAddress) => ({ PrivateIpAddress })),
  };
}

function unassign(tx: Tx, input: UnassignPrivateIpAddressesRequest): undefined {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const texts = input.PrivateIpAddresses ?? missing('privateIpAddresses');
  for (const text of texts) {
    if (text === eni.ipv4[0]) {
      refuse('InvalidParameterValue', `The primary private IP address ${text} cannot be unassigned.`);
    }
    if (!eni.ipv4.includes(text)) {
      refuse('InvalidParameterValue', `Some of [${text}] are not assigned to interface ${eni.id}`);
    }
    cutPublicAddress(tx, eni.id, text);
  }
  const left = tx.need('network-interface', eni.id);
  tx.put('network-interface', { ...left, ipv4: left.ipv4.filter((each) => !texts.includes(each)) });
  return undefined;
}

function assignIpv6(tx: Tx, input: AssignIpv6AddressesRequest): AssignIpv6AddressesResult {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const subnet = tx.need('subnet', eni.subnet);
  const { Ipv6Addresses: texts = [], Ipv6AddressCount: count } = input;
  if (texts.length > 0 && count !== undefined) {
    const why = 'ipv6Addresses and ipv6AddressCount may not be specified together.';
    refuse('InvalidParameterCombination', why);
  }
  const added =
    texts.length > 0
      ? namedAddresses(tx, subnet, texts, 6)
      : freeIpv6(tx, subnet, checkCount('ipv6AddressCount', count ?? missing('ipv6AddressCount')));
  const changed = { ...eni, ipv6: [...eni.ipv6, ...added] };
  checkAddressLimit(tx, changed);
  tx.put('network-interface', changed);
  return { NetworkInterfaceId: eni.id, AssignedIpv6Addresses: added };
}

function unassignIpv6(tx: Tx, input: UnassignIpv6AddressesRequest): UnassignIpv6AddressesResult {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const texts = input.Ipv6Addresses ?? missing('ipv6Addresses');
  const strange = texts.find((text) => !eni.ipv6.includes(text));
  if (strange !== undefined) {
    refuse('InvalidParameterValue', `Some of [${strange}] are not assigned to interface ${eni.id}`);
  }
  tx.put('network-interface', { ...eni, ipv6: eni.ipv6.filter((each) => !texts.includes(each)) });
  return { NetworkInterfaceId: eni.id, UnassignedIpv6Addresses: texts };
}

export const privateAddressHandlers: Handlers = {
  AssignPrivateIpAddresses: handler(assign),
  UnassignPrivateIpAddresses: handler(unassign),
  AssignIpv6Addresses: handler(assignIpv6),
  UnassignIpv6Addresses: handler(unassignIpv6),
};
