/** Key pairs: imported, described, deleted. The simulator makes no keys and no guest asks for one. */
import type {
  DeleteKeyPairRequest,
  DeleteKeyPairResult,
  DescribeKeyPairsRequest,
  DescribeKeyPairsResult,
  ImportKeyPairRequest,
  ImportKeyPairResult,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { hexDigits } from '../identifier.ts';
import type { KeyPairRecord } from '../record/compute.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const filters: Filters<KeyPairRecord> = {
  fingerprint: (pair) => pair.fingerprint,
  'key-name': (pair) => pair.name,
  'key-pair-id': (pair) => pair.id,
};

const byName = (tx: Tx, name: string): KeyPairRecord | undefined =>
  tx.list('key-pair').find((pair) => pair.name === name);

const needByName = (tx: Tx, name: string): KeyPairRecord =>
  byName(tx, name) ?? refuse('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`);

/** EC2 shows an MD5 of the key; this is as long and as unique, but made up. */
const fingerprint = (tx: Tx): string => Array.from({ length: 16 }, () => hexDigits(tx.random, 2)).join(':');

function importKeyPair(tx: Tx, input: ImportKeyPairRequest): ImportKeyPairResult {
  const name = input.KeyName ?? missing('KeyName');
  if (byName(tx, name)) refuse('InvalidKeyPair.Duplicate', `The keypair '${name}' already exists.`);
  const text = String.fromCharCode(...(input.PublicKeyMaterial ?? new Uint8Array()).slice(0, 4096));
  const kind = /^ssh-(rsa|ed25519) \S+/.exec(text)?.[1];
  if (kind !== 'rsa' && kind !== 'ed25519') {
    return refuse('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
  }
  const pair = tx.put('key-pair', {
    id: tx.newId('key'),
    tags: specifiedTags(tx, input.TagSpecifications, 'key-pair'),
    name,
    type: kind,
    publicKey: text,
    fingerprint: fingerprint(tx),
    created: tx.date(),
  });
  return { KeyPairId: pair.id, KeyName: name, KeyFingerprint: pair.fingerprint, Tags: shownTags(pair.tags) };
}

function describeKeyPairs(tx: Tx, input: DescribeKeyPairsRequest): DescribeKeyPairsResult {
  const ids = (input.KeyPairIds ?? []).map((id) => tx.need('key-pair', id));
  const names = (input.KeyNames ?? []).map((name) => needByName(tx, name));
  const named = [...new Set([...ids, ...names])];
  const found = (named.length > 0 ? named : tx.list('key-pair')).filter(
    matcher(tx, input.Filters ?? [], filters),
  );
  return {
    KeyPairs: found.map((pair) => ({
      KeyPairId: pair.id,
      KeyName: pair.name,
      KeyType: pair.type,
      KeyFingerprint: pair.fingerprint,
      CreateTime: pair.created,
      ...(input.IncludePublicKey && { PublicKey: pair.publicKey }),
      Tags: shownTags(pair.tags),
    })),
  };
}

/** Deleting a pair that does not exist succeeds, as on AWS. */
function deleteKeyPair(tx: Tx, input: DeleteKeyPairRequest): DeleteKeyPairResult {
  if (input.KeyPairId === undefined && input.KeyName === undefined) missing('KeyName or KeyPairId');
  const pair =
    input.KeyPairId === undefined ? byName(tx, input.KeyName ?? '') : tx.get('key-pair', input.KeyPairId);
  if (pair === undefined) return { Return: true };
  tx.remove('key-pair', pair.id);
  return { Return: true, KeyPairId: pair.id };
}

export const keyPairHandlers: Handlers = {
  ImportKeyPair: handler(importKeyPair),
  DescribeKeyPairs: handler(describeKeyPairs),
  DeleteKeyPair: handler(deleteKeyPair),
};
