export {
  allowListRight,
  describeForbidden,
  hostOf,
  isAddressAllowed,
  isPublicAddress,
  judgeUrl,
  parseAllowList,
  type AllowList,
  type ForbiddenRule,
  type UrlJudgement,
} from './destination.ts';
