//! Owns Retake's own host: WASI as wasmtime provides it, and what of the machine the actor may reach.
//!
//! Nothing is inherited or reachable unless [`Permissions`] allow it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use retake_actor::{Actor, ActorContext, HasActor};
use retake_chain::SessionKind;
use tokio::sync::OwnedMutexGuard;
use wasmtime::Result;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::error::RecordError;
use crate::program::{Program, SessionOptions};
use crate::stdio::{GuestStream, Stdio};
use crate::theater;

/// What an actor may reach on the machine.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// Environment variables, name and value.
    pub env: Vec<(String, String)>,
    /// Directories.
    pub dirs: Vec<Preopen>,
    /// Whether it may use the network: wasi:http and sockets.
    pub allow_net: bool,
    /// Whether standard output of invoked exports goes to standard error, as for an HTTP actor.
    pub keep_stdout: bool,
}

/// A directory that the actor may reach.
#[derive(Clone, Debug)]
pub struct Preopen {
    /// Path on the machine.
    pub host: PathBuf,
    /// Path as the actor sees it.
    pub guest: String,
    /// Whether writing is refused.
    pub read_only: bool,
}

/// The streams of this process that an actor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streams {
    /// All three, for a command.
    All,
    /// The two outputs, for an invoked export, which reads nothing.
    Outputs,
    /// Standard error for both outputs, for a server, which reads nothing.
    Stderr,
}

/// The data of a store in which an actor is recorded: WASI and wasi:http as wasmtime provides them.
pub struct Host {
    actor: ActorContext,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    network: Network,
    /// The actor's own, for as long as this instance lives.
    table: OwnedMutexGuard<ResourceTable>,
}

impl Host {
    /// A program whose actors have WASI and wasi:http, and may reach what `permissions` allow.
    ///
    /// # Errors
    /// As [`Program::load`], and [`RecordError::Directory`].
    pub fn program(
        actor: Actor,
        options: SessionOptions,
        permissions: Permissions,
    ) -> Result<Arc<Program<Host>>, RecordError> {
        let given = permissions.dirs.iter().map(|dir| match dir.read_only {
            true => format!("{}:ro", dir.guest),
            false => dir.guest.clone(),
        });
        let options = SessionOptions {
            env_names: permissions.env.iter().map(|(name, _)| name.clone()).collect(),
            preopens: given.collect(),
            allow_net: permissions.allow_net,
            ..options
        };
        let arguments = options.arguments.clone();
        permissions.check()?;
        Program::load(actor, options, provide, move |kind, actor| {
            let streams = match kind {
                SessionKind::Command => Streams::All,
                SessionKind::Invoke if !permissions.keep_stdout => Streams::Outputs,
                SessionKind::Invoke | SessionKind::Http => Streams::Stderr,
            };
            let table = actor.store.resource_table.clone();
            let table = table.try_lock_owned().map_err(|_| RecordError::TwoInstances)?;
            Ok(Host {
                actor,
                wasi: permissions.wasi(&arguments, streams)?,
                http: WasiHttpCtx::new(),
                network: Network { allowed: permissions.allow_net },
                table,
            })
        })
    }
}

impl Drop for Host {
    /// What an instance leaves in the actor's table ends with it: for example a response that was never set.
    fn drop(&mut self) {
        *self.table = ResourceTable::new();
    }
}

impl HasActor for Host {
    fn actor(&mut self) -> &mut ActorContext {
        &mut self.actor
    }
}

impl Permissions {
    fn wasi(&self, arguments: &[String], streams: Streams) -> Result<WasiCtx, RecordError> {
        let mut wasi = WasiCtxBuilder::new();
        if streams == Streams::All {
            wasi.inherit_stdin();
        }
        let stdout = if streams == Streams::Stderr { Stdio::Err } else { Stdio::Out };
        wasi.stdout(GuestStream(stdout)).stderr(GuestStream(Stdio::Err));
        wasi.args(arguments).envs(&self.env);
        if self.allow_net {
            wasi.inherit_network().allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
        } else {
            wasi.allow_tcp(false).allow_udp(false);
        }
        for dir in &self.dirs {
            let perms = match dir.read_only {
                true => FsPerms::ReadOnly,
                false => FsPerms::ReadWrite,
            };
            wasi.preopened_dir(&dir.host, &dir.guest, perms).map_err(|error| RecordError::Directory {
                host: dir.host.clone(),
                reason: error.root_cause().to_string(),
            })?;
        }
        Ok(wasi.build())
    }

    /// Opens every directory once, so that a fault shows before the session starts.
    fn check(&self) -> Result<(), RecordError> {
        self.wasi(&[], Streams::Stderr).map(drop)
    }
}

/// Everything that wasmtime provides for commands and HTTP actors, and the interfaces of Theater.
fn provide(linker: &mut Linker<Host>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    theater::add_to_linker(linker)
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.network, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Sends the actor's own HTTP requests, or denies them.
struct Network {
    allowed: bool,
}

type SentResponse = (::http::Response<WasiBody>, Box<dyn Future<Output = Result<(), HttpError>> + Send>);

impl WasiHttpHooks for Network {
    fn send_request(
        &mut self,
        request: ::http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Result<SentResponse, HttpError>> + Send> {
        let allowed = self.allowed;
        Box::new(async move {
            if !allowed {
                return Err(HttpError::HttpRequestDenied);
            }
            let sent = wasmtime_wasi_http::default_send_request(request, options).await?;
            let (response, io) = sent;
            let response = response.map(http_body_util::BodyExt::boxed_unsync);
            let io: Box<dyn Future<Output = Result<(), HttpError>> + Send> = Box::new(io);
            Ok((response, io))
        })
    }
}
