/**
 * A child process in a host of the lab that watches its links: it prints what the speaker would be told, a
 * line each. Arguments: `link` or `any`, as a way has to be, and the next hops to follow.
 */
import { watchReach } from '../../controller/shell/reach.ts';

const [, , way, ...hops] = process.argv;
const watch = watchReach(
  (input) => process.stdout.write(`${JSON.stringify(input)}\n`),
  () => way === 'link',
);
watch.start();
watch.follow(hops);
