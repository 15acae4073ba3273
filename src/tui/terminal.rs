//! The terminal itself: taken and given back, and frames as the bytes that change it.

use super::pen::{self, Pen};
use super::scroll::Shift;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{Command, execute};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Color;
use std::fmt;
use std::io::{self, IsTerminal};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours at present.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether clicks and the wheel are to be ours while the terminal is.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Buttons and the wheel (1000) with coordinates as numbers (1006), and no movements: nobody here asks for those, and each
/// would wake the console.
const TAKE_MOUSE: &str = "\u{1b}[?1000h\u{1b}[?1006h";
const LEAVE_MOUSE: &str = "\u{1b}[?1006l\u{1b}[?1000l";

/// Sets whether the mouse is taken with the terminal, and gives the bytes that take or leave it now.
pub fn take_mouse(takes: bool) -> &'static str {
    MOUSE.store(takes, Ordering::SeqCst);
    if takes { TAKE_MOUSE } else { LEAVE_MOUSE }
}

/// The terminal, taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal;

impl Terminal {
    /// Takes it where standard input and output are one; a file or a pipe gets not one byte.
    pub fn take() -> io::Result<Self> {
        for (name, is_terminal) in [("input", io::stdin().is_terminal()), ("output", io::stdout().is_terminal())] {
            if !is_terminal {
                return Err(io::Error::other(format!("standard {name} is no terminal")));
            }
        }
        let terminal = Self;
        enter()?;
        Ok(terminal)
    }

    /// Takes it once more after it was given back, or after a shell has had it while this process was stopped.
    pub fn take_again() -> io::Result<()> {
        restore();
        enter()
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if MOUSE.load(Ordering::SeqCst) {
        execute!(io::stdout(), Print(TAKE_MOUSE))?;
    }
    Ok(())
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once; safe to call from anywhere, also while a thread panics. Errors have nobody to go to:
/// the terminal may be gone.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            ResetColor,
            DisableBracketedPaste,
            Print(LEAVE_MOUSE),
            Show,
            LeaveAlternateScreen
        );
        let _ = disable_raw_mode();
    }
}

/// What the terminal shows, and how to make it show something else.
#[derive(Debug)]
pub struct Screen {
    shown: Buffer,
    next: Buffer,
    cursor: Option<Position>,
    /// The terminal erases to the ground that is set.
    can_erase: bool,
    all_anew: bool,
    /// What the next frame says to the terminal besides.
    aside: Vec<u8>,
}

impl Screen {
    pub fn new(columns: u16, lines: u16, can_erase: bool) -> Self {
        let area = Rect::new(0, 0, columns, lines);
        Self {
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            cursor: None,
            can_erase,
            all_anew: true,
            aside: Vec::new(),
        }
    }

    /// Says something to the terminal with the next frame that moves nothing on the screen.
    pub fn say(&mut self, bytes: Vec<u8>) {
        self.aside.extend(bytes);
    }

    /// Writes every cell with the next frame.
    pub fn redraw_all(&mut self) {
        self.all_anew = true;
    }

    /// The terminal has another size, or had one for a moment: whatever it kept of the frame is not trusted.
    pub fn resize(&mut self, columns: u16, lines: u16) {
        self.next.resize(Rect::new(0, 0, columns, lines));
        self.all_anew = true;
    }

    /// Draws the next frame. The bytes that turn what is shown into it, as one synchronized update; `None` where nothing
    /// differs.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Position>) -> Option<Vec<u8>> {
        self.next.reset();
        let cursor = draw(&mut self.next);
        pen::settle(&mut self.next);
        let all_anew = mem::take(&mut self.all_anew);
        let ground = if all_anew && self.can_erase { pen::ground(&self.next) } else { Color::Reset };
        if all_anew {
            let mut blank = Cell::default();
            blank.set_bg(ground);
            self.shown = Buffer::filled(self.next.area, blank);
        }
        let mut changes = self.shown.diff(&self.next);
        let mut bytes = mem::take(&mut self.aside);
        if changes.is_empty() && cursor == self.cursor && !all_anew {
            return (!bytes.is_empty()).then_some(bytes);
        }
        // What scrolls is moved by the terminal: on a slow line that is the difference.
        let is_worth_it = !all_anew && changes.len() > usize::from(self.next.area.width);
        let shift = if is_worth_it { Shift::between(&self.shown, &self.next) } else { None };
        if let Some(shift) = &shift {
            shift.apply(&mut self.shown);
        }
        if pen::forget_halves(&mut self.shown, &self.next) || shift.is_some() {
            changes = self.shown.diff(&self.next);
        }
        let mut out = String::new();
        command(&mut out, BeginSynchronizedUpdate);
        if self.cursor.is_some() && !changes.is_empty() {
            command(&mut out, Hide);
        }
        if let Some(shift) = &shift {
            out.push_str(&shift.bytes());
        }
        let mut pen = Pen::new(&mut out, self.can_erase);
        if all_anew {
            pen.clear(ground);
        }
        pen.draw(&self.next, &changes);
        match cursor {
            Some(Position { x, y }) => {
                command(&mut out, MoveTo(x, y));
                command(&mut out, Show);
            }
            None if self.cursor.is_some() => command(&mut out, Hide),
            None => {}
        }
        command(&mut out, EndSynchronizedUpdate);
        self.cursor = cursor;
        mem::swap(&mut self.shown, &mut self.next);
        bytes.extend(out.into_bytes());
        Some(bytes)
    }
}

fn command(out: &mut String, command: impl Command) {
    // A string takes all that is written to it.
    let _: fmt::Result = command.write_ansi(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    fn frame(screen: &mut Screen, text: &str) -> Option<String> {
        let bytes = screen.frame(|buffer| {
            buffer.resize(Rect::new(0, 0, 20, 2));
            buffer.set_string(0, 0, text, Style::default());
            None
        });
        bytes.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn a_frame_that_differs_in_nothing_writes_nothing() {
        let mut screen = Screen::new(20, 2, true);
        assert!(frame(&mut screen, "hello").is_some());
        assert_eq!(frame(&mut screen, "hello"), None);
        let bytes = frame(&mut screen, "hullo").expect("a change");
        assert!(bytes.contains('u') && !bytes.contains("llo"), "{bytes:?}");
    }

    #[test]
    fn each_frame_is_one_synchronized_update() {
        let mut screen = Screen::new(20, 2, true);
        let bytes = frame(&mut screen, "hello").expect("the first frame");
        assert!(bytes.starts_with("\u{1b}[?2026h") && bytes.ends_with("\u{1b}[?2026l"), "{bytes:?}");
        assert!(bytes.contains("\u{1b}[2J"), "the first frame clears what was there");
    }

    #[test]
    fn after_a_resize_all_is_drawn_anew() {
        let mut screen = Screen::new(20, 2, true);
        frame(&mut screen, "hello");
        screen.resize(30, 2);
        assert!(frame(&mut screen, "hello").expect("a frame").contains("hello"));
    }

    #[test]
    fn a_terminal_that_was_small_for_a_moment_is_drawn_anew_though_its_size_is_the_same() {
        let mut screen = Screen::new(20, 2, true);
        frame(&mut screen, "hello");
        screen.resize(20, 2);
        assert!(frame(&mut screen, "hello").expect("a frame").contains("hello"));
    }

    #[test]
    fn a_log_that_scrolls_is_moved_by_the_terminal_and_what_is_on_the_screen_is_what_was_drawn() {
        let (columns, lines) = (120_u16, 40_u16);
        let mut screen = Screen::new(columns, lines, true);
        let cells = |number: u16| std::num::NonZero::new(number).expect("some");
        let mut terminal = vt100::Parser::new(cells(lines), cells(columns), 0);
        let mut at: usize = 500;
        for (step, by) in [0_isize, 1, 1, 1, -1, -1, 3, -3, 20, -20, 38, 1].into_iter().enumerate() {
            at = at.saturating_add_signed(by);
            let bytes = screen.frame(|buffer| {
                buffer.set_string(0, 0, format!("line {at} of a log"), Style::default());
                for y in 1..lines - 1 {
                    let number = at + usize::from(y);
                    let text = format!("│03:12:{:02} frame {number}/2400 {}", number % 60, "世x".repeat(number % 23));
                    let style = if number.is_multiple_of(7) {
                        Style::new().fg(ratatui::style::Color::Red)
                    } else {
                        Style::default()
                    };
                    buffer.set_string(0, y, text, style);
                    buffer.set_string(columns - 1, y, "│", Style::default());
                }
                None
            });
            let bytes = bytes.expect("something changed");
            terminal.process(&bytes);
            if by.abs() == 1 {
                assert!(bytes.len() < 400, "step {step}: {} bytes", bytes.len());
            }
            let whole: Vec<String> = terminal.screen().rows(0, columns).collect();
            let drawn: Vec<String> = crate::tui::stage::lines(&screen.shown);
            let trimmed: Vec<&str> = whole.iter().map(|row| row.trim_end()).collect();
            assert_eq!(trimmed, drawn, "step {step}");
        }
    }
}
