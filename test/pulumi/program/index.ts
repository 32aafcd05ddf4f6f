/** The program of boxes as a program of its own. */
import { program } from './boxes.ts';

export default await program();
