export { TaskTable } from './task-table.ts';
export { offerOf, testPatterns } from './samples.ts';
