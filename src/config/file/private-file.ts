/**
 * Who may write a configuration file: its owner and root, as in ssh ("Bad owner or permissions"). As in Debian's ssh, a
 * group whose only member is the user may write it too, because a umask of 002 makes such files.
 */
import { Malformed } from "../../codec/malformed.ts";
import { groupMembers, ownUid } from "../current-user.ts";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Throws Malformed when another user can have written the file. */
export function refuseShared({ uid, gid, mode }: FileOwner, user: string | undefined): void {
  if (process.platform === "win32") return;
  const own = ownUid();
  if (uid !== 0 && own !== undefined && uid !== own) throw new Malformed("bad owner: it is another user's");
  const isShared = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isAlone(user, gid));
  if (!isShared) return;
  throw new Malformed(`bad permissions: ${(mode & 0o777).toString(8).padStart(4, "0")} lets others write it`);
}

function isAlone(user: string | undefined, gid: number): boolean {
  const members = groupMembers(gid);
  return members.length > 0 && members.every((member) => member === user);
}
