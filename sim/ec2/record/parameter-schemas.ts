/** How parameters are written in a world file. */
import { z } from 'zod';
import type { ParameterRecord, ParameterRecords } from './parameter.ts';
import { account, date, exactly, int, region, type Schemas, stored, text } from './schema.ts';

export const parameterSchemas: Schemas<keyof ParameterRecords> = {
  parameter: exactly<ParameterRecord>({
    ...stored,
    account,
    region,
    type: z.enum(['String', 'StringList', 'SecureString']),
    value: text,
    version: int,
    modified: date,
    description: text.exactOptional(),
    key: text.exactOptional(),
  }),
};
