/**
 * The daemon's BFD as the tests run it, beside a main thread that imports full tables: one of those measured.
 */
import '../../test/interop/bfd-node.ts';
import { importForEver } from './importer.ts';

importForEver(() => process.stderr.write(''));
