/** Vitest runs this anew for each test file, whereas a module that files import is loaded once for all of a worker. */
import { afterAll } from 'vitest';
import { clearLeftovers } from './leftovers.ts';

afterAll(clearLeftovers);
