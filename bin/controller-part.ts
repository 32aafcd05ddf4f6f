/** The controller's commands: all that the bundle and the single executable hold. */
import type { Part } from './program.ts';

export const controllerPart: Part = {
  commands: {
    run: 'run the failover daemon',
    check: 'validate a configuration, and with --aws everything that it names',
    status: 'show what a running daemon sees and decided',
    switchover: 'move a group to an appliance on purpose',
    plan: 'show what a failover would send, and how long it would take',
    drain: 'empty an appliance: its groups go to others, and it gets none',
    undrain: 'let an appliance be given groups again',
    leave: 'hand over what the own appliance has, before its machine stops; waits until that is done',
    pause: 'leave a group alone, or all, until resumed',
    resume: 'end pauses and overrides of a group, or of all',
    bgp: 'see and steer the BGP speaker and BFD of a running daemon',
    parameter: 'print a parameter of Systems Manager, decrypted, in the region of the configuration',
    replay: 'feed a journal through the same brain and compare its decisions',
    schema: 'print the JSON Schema of the configuration',
  },
  load: () => import('../controller/main.ts'),
};
