//! The one thread that has the book in its hands. What it is told it writes, all that waits in one go; what it is asked it
//! looks up in between. Whoever tells it something waits for no disk.

use super::Told;
use super::book::{self, Book, BookError, Bounds};
use crate::model::Millis;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an end waits for what is still to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How often one tries while another console has the book.
const TRIES: usize = 3;

type Look = Box<dyn FnMut(&Book) -> Result<(), BookError> + Send>;

enum Order {
    Write(Vec<Told>, Millis),
    Look(Look),
}

#[derive(Debug)]
pub struct Desk {
    orders: Option<Sender<Order>>,
    /// Closed when the thread has done all that it was told.
    over: Mutex<Receiver<()>>,
    problems: Problems,
}

type Problems = Arc<Mutex<Vec<String>>>;

impl Desk {
    pub fn new(path: PathBuf, bounds: Bounds) -> Self {
        let (orders, taken) = channel();
        let (alive, over) = channel();
        let problems = Problems::default();
        let shelf = Shelf { path, bounds, book: None, is_given_up: false, problems: Arc::clone(&problems) };
        let work = move || {
            work(shelf, &taken);
            drop(alive);
        };
        if let Err(error) = std::thread::Builder::new().name("history".to_owned()).spawn(work) {
            let told = format!("the history of ended jobs is not kept: no thread can be started: {error}");
            problems.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Self { orders: Some(orders), over: Mutex::new(over), problems }
    }

    pub fn write(&self, told: Vec<Told>, now: Millis) {
        self.order(Order::Write(told, now));
    }

    /// What the book has to say; `None` where it cannot be used.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl Fn(&Book) -> Result<T, BookError> + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let mut tell = Some(tell);
        self.order(Order::Look(Box::new(move |book| {
            let found = look(book)?;
            if let Some(tell) = tell.take() {
                let _ = tell.send(found);
            }
            Ok(())
        })));
        told.await.ok()
    }

    /// What a person has to be told of the book; each is told once.
    pub fn take_problem(&self) -> Option<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // Where there is no thread, that was told.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Desk {
    /// What was told before the end is written.
    fn drop(&mut self) {
        self.orders = None;
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if over.recv_timeout(LAST_WORDS) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the history of ended jobs lacks what was seen last");
        }
    }
}

fn work(mut shelf: Shelf, orders: &Receiver<Order>) {
    // A book that cannot be used is told of at once, and not when something is first to be written.
    shelf.with(|_| Ok(()));
    while let Ok(order) = orders.recv() {
        let mut next = Some(order);
        while let Some(order) = next.take() {
            match order {
                Order::Look(mut look) => shelf.with(|book| look(book)),
                Order::Write(mut all, mut now) => {
                    while let Ok(order) = orders.try_recv() {
                        match order {
                            Order::Write(more, later) => {
                                all.extend(more);
                                now = later;
                            }
                            look @ Order::Look(_) => {
                                next = Some(look);
                                break;
                            }
                        }
                    }
                    shelf.with(|book| book.write(&all, now));
                }
            }
        }
    }
}

/// Where the book stands.
struct Shelf {
    path: PathBuf,
    bounds: Bounds,
    book: Option<Book>,
    /// It cannot be used, and that was told.
    is_given_up: bool,
    problems: Problems,
}

impl Shelf {
    /// Works with the book. One that is damaged is set aside, and a new one begun.
    fn with(&mut self, mut work: impl FnMut(&mut Book) -> Result<(), BookError>) {
        for turn in 1..=TRIES {
            if self.is_given_up {
                return;
            }
            let Err(error) = self.opened().and_then(&mut work) else { return };
            if error.passes() && turn < TRIES {
                continue;
            }
            if error.is_damage() {
                self.set_aside(&error);
            } else {
                self.is_given_up = !error.passes();
                let next = "jobs that AWS forgets are not kept until this program is started anew";
                self.say(format!(
                    "the history of ended jobs ({}) cannot be used: {error}; {next}",
                    self.path.display()
                ));
                return;
            }
        }
    }

    fn opened(&mut self) -> Result<&mut Book, BookError> {
        match &mut self.book {
            Some(book) => Ok(book),
            none => Ok(none.insert(Book::open(&self.path, self.bounds, now())?)),
        }
    }

    fn set_aside(&mut self, error: &BookError) {
        let aside = match self.book.take() {
            Some(book) => book.set_aside(&self.path, now()),
            None => book::set_aside(&self.path, now()).map(Some),
        };
        match aside {
            Ok(Some(aside)) => self.say(format!(
                "the history of ended jobs was damaged ({error}): it was set aside as {}, and a new one was begun",
                aside.display()
            )),
            // Another console has done it.
            Ok(None) => {}
            Err(cause) => {
                self.is_given_up = true;
                let path = self.path.display();
                self.say(format!(
                    "the history of ended jobs ({path}) is damaged ({error}) and cannot be set aside: {cause}; move it away"
                ));
            }
        }
    }

    fn say(&self, text: String) {
        tracing::error!("{text}");
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobStatus, JobSummary};

    fn told(id: &str) -> Told {
        let at = now();
        let row = JobSummary {
            job_id: id.into(),
            status: JobStatus::Failed,
            created_at: at,
            stopped_at: Some(at),
            ..Default::default()
        };
        Told { row, detail: None, place: "r:1".to_owned() }
    }

    async fn rows(desk: &Desk) -> Option<u64> {
        desk.look(|book| Ok(book.extent()?.rows)).await
    }

    #[tokio::test]
    async fn what_is_told_is_there_for_the_next_question_and_for_the_next_program() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        let desk = Desk::new(path.clone(), Bounds::default());
        desk.write(vec![told("a"), told("b")], now());
        desk.write(vec![told("c")], now());
        assert_eq!(rows(&desk).await, Some(3));
        desk.write(vec![told("d")], now());
        drop(desk);
        assert_eq!(rows(&Desk::new(path, Bounds::default())).await, Some(4));
    }

    #[tokio::test]
    async fn a_damaged_book_is_set_aside_and_said_and_a_new_one_begun() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        std::fs::write(&path, vec![b'x'; 9_000]).expect("written");
        let desk = Desk::new(path.clone(), Bounds::default());
        desk.write(vec![told("a")], now());
        assert_eq!(rows(&desk).await, Some(1));
        let said = desk.take_problem().expect("is said");
        assert!(said.contains("h.db.damaged-") && said.contains("a new one was begun"), "{said}");
        assert_eq!(desk.take_problem(), None);
        let names = std::fs::read_dir(directory.path()).expect("reads").filter_map(Result::ok);
        let aside = names.map(|one| one.path()).find(|path| path.display().to_string().contains("damaged"));
        assert_eq!(std::fs::read(aside.expect("is kept")).expect("reads"), vec![b'x'; 9_000]);
    }

    #[tokio::test]
    async fn damage_behind_a_sound_head_is_mended_alike() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        let desk = Desk::new(path.clone(), Bounds::default());
        desk.write((0..500).map(|at| told(&format!("j{at}"))).collect(), now());
        drop(desk);
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes[4_096..].fill(b'x');
        std::fs::write(&path, bytes).expect("written");
        let desk = Desk::new(path, Bounds::default());
        desk.write(vec![told("a")], now());
        assert_eq!(rows(&desk).await, Some(1));
        assert!(desk.take_problem().is_some_and(|said| said.contains("was damaged")));
    }

    #[tokio::test]
    async fn a_book_that_cannot_be_used_is_said_once_and_done_without() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("written");
        let desk = Desk::new(file.join("h.db"), Bounds::default());
        desk.write(vec![told("a")], now());
        assert_eq!(rows(&desk).await, None);
        let said = desk.take_problem().expect("is said");
        assert!(said.contains("cannot be used") && said.contains("h.db"), "{said}");
        assert_eq!((rows(&desk).await, desk.take_problem()), (None, None));
    }
}
