/** The kinds of Systems Manager; kind.ts says what each field is. */
import type { KindTable } from './kind.ts';
import type { ParameterRecords } from './parameter.ts';

export const parameterKinds: KindTable<keyof ParameterRecords> = {
  parameter: {
    scope: 'region',
    refersTo: () => [],
    notFound: 'ParameterNotFound',
    malformed: 'ValidationException',
    noun: 'parameter',
  },
};
