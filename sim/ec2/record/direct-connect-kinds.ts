/** The kinds of Direct Connect; kind.ts says what each field is. */
import type { DirectConnectRecords } from './direct-connect.ts';
import { defined, type KindTable } from './kind.ts';

const code = 'DirectConnectClientException';

export const directConnectKinds: KindTable<keyof DirectConnectRecords> = {
  'direct-connect-connection': {
    scope: 'region',
    refersTo: () => [],
    notFound: code,
    malformed: code,
    noun: 'Connection',
  },
  'direct-connect-gateway': {
    scope: 'account',
    refersTo: () => [],
    notFound: code,
    malformed: code,
    noun: 'Direct Connect gateway',
  },
  'direct-connect-association': {
    scope: 'account',
    refersTo: ({ directConnectGateway, gateway, attachment }) =>
      defined([directConnectGateway, gateway, attachment]),
    notFound: code,
    malformed: code,
    noun: 'Direct Connect gateway association',
  },
  'virtual-interface': {
    scope: 'account',
    refersTo: ({ state, connection, gateway, site }) =>
      state === 'deleted' ? [] : [...new Set([connection, gateway, site])],
    notFound: code,
    malformed: code,
    noun: 'Virtual interface',
  },
};
