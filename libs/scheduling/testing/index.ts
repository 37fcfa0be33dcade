export { TaskTable } from './task-table.ts';
