import { Activity, CalendarRange, ChartColumn, Layers, LogOut, SquareTerminal, UserRound, UsersRound } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { NavLink, Outlet, useLocation, useNavigation } from 'react-router';

import { useLink } from './api/client';
import { signOut } from './api/session';
import { currentSettings } from './api/settings';
import mark from './mark.svg';
import { NoticeProvider } from './ui/notices';
import { Button } from './ui/parts';

const PAGES = [
  { to: '/accounts', name: 'Accounts', Icon: UserRound },
  { to: '/syncs', name: 'Syncs', Icon: Layers },
  { to: '/timeline', name: 'Timeline', Icon: CalendarRange },
  { to: '/people', name: 'People', Icon: UsersRound },
  { to: '/insights', name: 'Insights', Icon: ChartColumn },
  { to: '/activity', name: 'Activity', Icon: Activity },
];

/** What stands around every page: the way to the others, the state of the connection, and what was done. */
export function Shell() {
  const link = useLink();
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const page = pathname.split('/')[1];
  const isLoading = useNavigation().state === 'loading';
  // Who comes to another page by keyboard or screen reader begins at its top.
  const shown = useRef(page);
  useEffect(() => {
    if (shown.current === page) return;
    shown.current = page;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [page]);
  return (
    <NoticeProvider>
      <div className="shell">
        <a className="skip button" href="#main">
          Skip to the page
        </a>
        {link === 'away' && (
          <div className="banner tone-wait" role="status">
            The live connection is down. Reconnecting; numbers may be a little old until then.
          </div>
        )}
        <div className="side">
          <NavLink className="brand" to="/accounts" aria-label="omnisync">
            <img src={mark} alt="" />
            omnisync
          </NavLink>
          <nav className="nav" aria-label="Pages">
            {PAGES.map(({ to, name, Icon }) => (
              <NavLink key={to} to={to}>
                <Icon size={18} strokeWidth={1.9} aria-hidden />
                {name}
              </NavLink>
            ))}
          </nav>
          <div className="foot">
            {currentSettings().graphiql && (
              <a className="button quiet small" href="/graphiql">
                <SquareTerminal size={16} aria-hidden /> GraphiQL
              </a>
            )}
            <Button look="quiet" small onPress={signOut}>
              <LogOut size={16} aria-hidden /> Sign out
            </Button>
          </div>
        </div>
        <main className="stage" id="main" ref={main} tabIndex={-1} aria-busy={isLoading}>
          <Outlet />
        </main>
      </div>
    </NoticeProvider>
  );
}
