//! A TCP proxy that cuts connections around the command that writes a batch.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cut {
    /// Half of the command reaches the server: nothing is executed.
    Before,
    /// The command is executed, and its answer is swallowed.
    After,
    /// The client is cut off first, and the command reaches the server later, while it is already being tried again.
    Late,
}

#[derive(Clone, Default)]
pub(crate) struct Plan {
    /// What to do with the next commands; nothing once it is empty.
    next: Arc<Mutex<VecDeque<Option<Cut>>>>,
    done: Arc<Mutex<Vec<Cut>>>,
}

impl Plan {
    pub(crate) fn new(cuts: impl IntoIterator<Item = Option<Cut>>) -> Self {
        Self { next: Arc::new(Mutex::new(cuts.into_iter().collect())), done: Arc::default() }
    }

    /// The cuts that were made.
    pub(crate) fn done(&self) -> Vec<Cut> {
        self.done.lock().unwrap().clone()
    }

    fn take(&self, bytes: &[u8]) -> Option<Cut> {
        let writes = bytes.windows(7).any(|word| word == b"EVALSHA");
        let cut = if writes { self.next.lock().unwrap().pop_front().flatten() } else { None };
        self.done.lock().unwrap().extend(cut);
        cut
    }
}

/// A proxy before a server on this host; returns its address.
pub(crate) async fn proxy(port: u16, plan: Plan) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let plan = plan.clone();
            tokio::spawn(async move {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = serve(client, server, plan).await;
                }
            });
        }
    });
    address
}

async fn serve(mut client: TcpStream, mut server: TcpStream, plan: Plan) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 1 << 18], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            count = client.read(&mut up) => {
                let count = count?;
                if count == 0 {
                    return Ok(());
                }
                match plan.take(&up[..count]) {
                    None => server.write_all(&up[..count]).await?,
                    Some(cut) => return cut_off(cut, &up[..count], client, server).await,
                }
            }
            count = server.read(&mut down) => {
                let count = count?;
                if count == 0 {
                    return Ok(());
                }
                client.write_all(&down[..count]).await?;
            }
        }
    }
}

async fn cut_off(
    cut: Cut,
    first: &[u8],
    mut client: TcpStream,
    mut server: TcpStream,
) -> std::io::Result<()> {
    if cut == Cut::Before {
        server.write_all(&first[..first.len() / 2]).await?;
        return Ok(());
    }
    let (mut whole, mut more) = (first.to_vec(), vec![0; 1 << 18]);
    // The command may come in several pieces; nothing follows it before it is answered.
    while let Ok(Ok(count @ 1..)) = timeout(Duration::from_millis(4), client.read(&mut more)).await
    {
        whole.extend(&more[..count]);
    }
    if cut == Cut::Late {
        drop(client);
        sleep(Duration::from_millis(15)).await;
        server.write_all(&whole).await?;
        let _ = server.read(&mut more).await?;
        return Ok(());
    }
    server.write_all(&whole).await?;
    let _ = server.read(&mut more).await?;
    Ok(())
}
