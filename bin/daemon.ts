/**
 * The command line of the bundle and the single executable: the daemon alone, without simulator and
 * deployment.
 */
import { controllerPart } from './controller-part.ts';
import { runProcess } from './program.ts';

export const main = (version: string): Promise<void> => runProcess(version, [controllerPart]);
