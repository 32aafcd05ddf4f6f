import { killSuite } from './kill.ts';

killSuite('egress-pair', 6);
