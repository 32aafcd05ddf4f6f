/** The whole command line, as the package offers it. */
import { parts } from './parts.ts';
import { runProcess } from './program.ts';

export const main = (version: string): Promise<void> => runProcess(version, parts);
