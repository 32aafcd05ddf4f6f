import { killSuite } from './kill.ts';

killSuite('floating-eni', 6);
