/** Another scheduler leads with a newer epoch. */
export class Fenced extends Error {
  readonly code = 'FENCED';
  constructor(epoch: number) {
    super(`a document carries an epoch newer than ${epoch}: another scheduler leads`);
  }
}
