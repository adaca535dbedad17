import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';

/** How long a notice stays, in milliseconds. */
const STAYS = 6_000;

interface Notice {
  id: number;
  words: string;
}

const Notices = createContext<(words: string) => void>(() => undefined);

/** Says that something was done, on the screen and to screen readers. */
export function useNotify() {
  return useContext(Notices);
}

let last = 0;

export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const notify = useCallback((words: string) => {
    const id = ++last;
    setNotices((all) => [...all, { id, words }]);
    setTimeout(() => setNotices((all) => all.filter((notice) => notice.id !== id)), STAYS);
  }, []);
  const shown = useMemo(
    () =>
      notices.map((notice) => (
        <div className="note" key={notice.id}>
          <span className="words">{notice.words}</span>
        </div>
      )),
    [notices],
  );
  return (
    <Notices value={notify}>
      {children}
      <div className="notices" role="status" aria-live="polite">
        {shown}
      </div>
    </Notices>
  );
}
