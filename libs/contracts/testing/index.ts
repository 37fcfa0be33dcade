export {
  absent,
  nothingAsked,
  printable,
  right,
  rightEnv,
  rightLabels,
  rightName,
  rightResources,
  rightTimes,
  rightUris,
  rightWork,
  type RightPart,
} from './submissions.ts';
